import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { QuickLook } from '../../../../agent/outputs/file/quick-look.ts';

/** A file, and mounts that a test chooses. */
class Scene implements Disposable {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'probes-look-')));
  readonly path = join(this.folder, 'file');
  generation: number | undefined = 1;
  types: readonly string[] | undefined = ['ext4'];
  nowMs = 0;
  /** How often the mounts were read. */
  reads = 0;
  onRead = (): void => undefined;

  constructor() {
    writeFileSync(this.path, 'text');
  }

  lookAt(path: string): QuickLook {
    return new QuickLook(path, {
      generation: () => this.generation,
      typesOn: async () => {
        this.reads++;
        this.onRead();
        return this.types && new Set(this.types);
      },
      now: () => this.nowMs,
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

test('where all file systems are near, a look tells what has the path', async (t) => {
  using scene = new Scene();
  scene.types = ['ext4', 'tmpfs', 'overlay'];
  const look = scene.lookAt(scene.path);
  t.is(look.now(), undefined, 'nothing is known yet');
  await look.renew(true);
  t.is(look.now()?.ino, statSync(scene.path).ino);
  t.is(look.now()?.size, 4);
  rmSync(scene.path);
  t.is(look.now(), undefined);
});

for (const type of ['nfs', 'nfs4', 'cifs', 'fuse.sshfs', 'fuseblk', '9p', 'autofs', 'ceph', 'one of tomorrow', '']) {
  test(`where one is ${type || 'without a name'}, no look is made`, async (t) => {
    using scene = new Scene();
    scene.types = ['ext4', type];
    const look = scene.lookAt(scene.path);
    await look.renew(true);
    t.is(look.now(), undefined);
  });
}

const UNKNOWN: Readonly<Record<string, (scene: Scene) => void>> = {
  'the mounts cannot be read': (scene) => (scene.types = undefined),
  'no mount is on the path': (scene) => (scene.types = []),
  'changes of the mounts cannot be noticed': (scene) => (scene.generation = undefined),
};

for (const [when, arrange] of Object.entries(UNKNOWN)) {
  test(`where ${when}, no look is made`, async (t) => {
    using scene = new Scene();
    arrange(scene);
    const look = scene.lookAt(scene.path);
    await look.renew(true);
    t.is(look.now(), undefined);
  });
}

test('a path through a link is not looked at', async (t) => {
  using scene = new Scene();
  mkdirSync(join(scene.folder, 'logs'));
  writeFileSync(join(scene.folder, 'logs/file'), '');
  symlinkSync('logs', join(scene.folder, 'link'));
  for (const [folder, isLooked] of [
    ['logs', true],
    ['link', false],
    ['link/../logs', false],
  ] as const) {
    const look = scene.lookAt(`${scene.folder}/${folder}/file`);
    await look.renew(true);
    t.is(look.now() !== undefined, isLooked, folder);
  }
});

test('after a change of the mounts no look is made, until the path was found to be near again', async (t) => {
  using scene = new Scene();
  const look = scene.lookAt(scene.path);
  await look.renew(true);
  scene.generation = 2;
  t.is(look.now(), undefined);
  scene.nowMs = 1000;
  await look.renew();
  t.is(look.now()?.size, 4);

  scene.generation = 3;
  scene.types = ['ext4', 'nfs4'];
  scene.nowMs = 2000;
  await look.renew();
  t.is(look.now(), undefined);
  t.is(scene.reads, 3);
});

test('a change while the path is judged counts as one after it', async (t) => {
  using scene = new Scene();
  const look = scene.lookAt(scene.path);
  scene.onRead = () => (scene.generation = 2);
  await look.renew(true);
  t.is(look.now(), undefined);
});

test('mounts that change all the time are read once a second, and mounts that do not, once', async (t) => {
  using scene = new Scene();
  const look = scene.lookAt(scene.path);
  await look.renew(true);
  for (; scene.nowMs < 10_000; scene.nowMs += 10) {
    scene.generation! += 1;
    await look.renew();
  }
  t.is(scene.reads, 10);
  for (; scene.nowMs < 20_000; scene.nowMs += 10) await look.renew();
  t.is(scene.reads, 11);
  t.not(look.now(), undefined);
});
