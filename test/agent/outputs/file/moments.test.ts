import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { QuickLook } from '../../../../agent/outputs/file/quick-look.ts';
import { RotatingFile } from '../../../../agent/outputs/file/rotating-file.ts';

/** A log that is written, and does something to its file at one moment: a look at it is about to begin, or has ended. */
class Scene extends QuickLook implements Disposable {
  readonly folder: string;
  readonly logs: string;
  readonly path: string;
  /** Lines of files that were removed. */
  readonly gone: string[] = [];
  /** Moments until it happens. */
  left: number;
  readonly #happens: (scene: Scene) => void;

  constructor(moment: number, happens: (scene: Scene) => void) {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'probes-moment-')));
    const path = join(folder, 'logs', 'events.jsonl');
    super(path, { generation: () => 1, typesOn: async () => new Set(['ext4']) });
    this.folder = folder;
    this.logs = join(folder, 'logs');
    this.path = path;
    this.left = moment;
    this.#happens = happens;
    mkdirSync(this.logs);
  }

  override now(): ReturnType<QuickLook['now']> {
    this.#pass();
    const there = super.now();
    this.#pass();
    return there;
  }

  override async renew(isNew?: boolean): Promise<void> {
    this.#pass();
    await super.renew(isNew);
    this.#pass();
  }

  #pass(): void {
    if (this.left-- === 0) this.#happens(this);
  }

  /** Lines of all files, wherever they are by now, each without its newline. */
  lines(): string[] {
    const files = readdirSync(this.folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return files.flatMap(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8').split('\n'));
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

const remove = ({ path, gone }: Scene): void => {
  gone.push(...readFileSync(path, 'utf8').split('\n'));
  rmSync(path);
};
const moveFolder = ({ folder, logs }: Scene): string => {
  const moved = join(folder, 'moved');
  renameSync(logs, moved);
  return moved;
};
const copyAndCut =
  (share: number) =>
  ({ path, folder }: Scene): void => {
    copyFileSync(path, join(folder, 'copy'));
    truncateSync(path, Math.floor(statSync(path).size * share));
  };

const HAPPENINGS: Readonly<Record<string, (scene: Scene) => void>> = {
  'the file is moved': ({ path, folder }) => renameSync(path, join(folder, 'moved')),
  'the file is removed': remove,
  'the file is copied and emptied': copyAndCut(0),
  'the file is copied and cut within a line': copyAndCut(0.55),
  'another file takes its place': (scene) => {
    renameSync(scene.path, join(scene.folder, 'moved'));
    writeFileSync(scene.path, 'other\n', { mode: 0o600 });
  },
  'somebody else writes a line': ({ path }) => appendFileSync(path, 'other\n'),
  'its folder is moved and made anew': (scene) => {
    moveFolder(scene);
    mkdirSync(scene.logs);
  },
  'its folder becomes a link to where it was moved': (scene) => symlinkSync(moveFolder(scene), scene.logs),
  'its folder becomes a link to another': (scene) => {
    moveFolder(scene);
    mkdirSync(join(scene.folder, 'other'));
    symlinkSync('other', scene.logs);
  },
  'its folder is emptied': (scene) => {
    for (const name of readdirSync(scene.logs))
      scene.gone.push(...readFileSync(join(scene.logs, name), 'utf8').split('\n'));
    rmSync(scene.logs, { recursive: true });
    mkdirSync(scene.logs);
  },
};

/** Writes four batches of two lines, two of them to a file. @returns the lines */
async function write(scene: Scene): Promise<string[]> {
  const file = new RotatingFile({ path: scene.path, maxBytes: 400, maxFiles: 100, look: scene });
  await file.open();
  const all: string[] = [];
  for (let i = 0; i < 4; i++) {
    const batch = ['a', 'b'].map((letter) => `${i}${letter}`.repeat(40));
    all.push(...batch);
    const { error } = await file.append(Buffer.from(batch.map((line) => `${line}\n`).join('')));
    if (error !== undefined) throw error;
  }
  await file.close();
  return all;
}

for (const [what, happens] of Object.entries(HAPPENINGS)) {
  test(`no line is lost when ${what}, at any moment`, async (t) => {
    let happened = 0;
    for (let moment = 2; ; moment++) {
      using scene = new Scene(moment, happens);
      const written = await write(scene);
      const found = new Set([...scene.lines(), ...scene.gone]);
      t.deepEqual(
        written.filter((line) => !found.has(line)),
        [],
        `at moment ${moment}`,
      );
      if (scene.left >= 0) break;
      happened++;
    }
    t.true(happened > 15, `${happened} moments`);
  });
}

test('whatever a file is cut to, what follows begins on a line of its own', async (t) => {
  const line = (n: number): string => `{"seq":${n},"type":"exec"}`;
  for (let size = 0; size <= 4 * line(1).length; size++) {
    using scene = new Scene(-1, () => undefined);
    const told: string[] = [];
    const file = new RotatingFile({
      path: scene.path,
      maxBytes: 1e9,
      maxFiles: 2,
      isOurs: () => true,
      onTruncated: (rewritten, complete) => told.push(`${rewritten} ${complete}`),
    });
    await file.open();
    const append = (n: number) => file.append(Buffer.from(`${line(n)}\n`));
    for (let n = 1; n <= 4; n++) await append(n);
    truncateSync(scene.path, size);
    await append(5);
    await file.close();
    const lines = readFileSync(scene.path, 'utf8').split('\n').slice(0, -1);
    const whole = Math.floor(size / (line(1).length + 1));
    const expected = [...Array.from({ length: whole }, (_, i) => i + 1), 1, 2, 3, 4, 5].map(line);
    t.deepEqual(lines, expected, `${size} bytes`);
    t.deepEqual(told, [`${4 * (line(1).length + 1)} true`]);
  }
});

test('the newest lines of a file that is emptied while it is closed are written again when it is opened', async (t) => {
  using scene = new Scene(-1, () => undefined);
  const told: string[] = [];
  const onTruncated = (rewritten: number, complete: boolean): void => void told.push(`${rewritten} ${complete}`);
  const file = new RotatingFile({ path: scene.path, maxBytes: 1e9, maxFiles: 2, onTruncated });
  const append = (text: string) => file.append(Buffer.from(`${text}\n`));
  const reopen = async (meanwhile: () => void): Promise<void> => {
    await file.close();
    meanwhile();
    await file.open();
  };
  await file.open();
  await append('a');
  await reopen(() => truncateSync(scene.path));
  await reopen(() => undefined);
  await append('b');
  t.deepEqual(told, ['2 true']);
  await reopen(() => undefined);
  await reopen(() => appendFileSync(scene.path, 'other\n'));
  await append('c');
  t.is(readFileSync(scene.path, 'utf8'), 'a\nb\nother\nc\n');
  // The moved file has those lines.
  await reopen(() => renameSync(scene.path, `${scene.path}.moved`));
  await append('d');
  await file.close();
  t.is(readFileSync(scene.path, 'utf8'), 'd\n');
  t.is(told.length, 1);
});

test('a line that somebody else did not finish is ended before ours', async (t) => {
  using scene = new Scene(-1, () => undefined);
  const file = new RotatingFile({ path: scene.path, maxBytes: 100, maxFiles: 3 });
  await file.open();
  const append = (text: string) => file.append(Buffer.from(`${text}\n`));
  await append('a');
  appendFileSync(scene.path, 'today I');
  await append('b');
  appendFileSync(scene.path, 'today I');
  await append('c'.repeat(90));
  await file.close();
  t.is(readFileSync(`${scene.path}.1`, 'utf8'), 'a\ntoday I\nb\ntoday I\n');
  t.is(readFileSync(scene.path, 'utf8'), `${'c'.repeat(90)}\n`);
});
