import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, lchownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { HelperError } from '../../../helper/errors.ts';
import { requireTrusted } from '../../../helper/unix/trusted-files.ts';

const isRoot = process.getuid?.() === 0;
const rootTest = isRoot ? test : test.skip;
const title = (fact: string): string => (isRoot ? fact : `${fact} [skipped: needs root]`);

/** A folder that root alone can write, all the way up, with a file in a folder in it. */
function tree() {
  const root = mkdtempSync('/var/lib/probes-trusted-');
  const folder = path.join(root, 'folder');
  const file = path.join(folder, 'helper');
  mkdirSync(folder, { mode: 0o755 });
  writeFileSync(file, '');
  chmodSync(file, 0o755);
  return { root, folder, file, [Symbol.dispose]: () => rmSync(root, { recursive: true }) };
}

const refusal = { instanceOf: HelperError };

rootTest(title('a file that root alone can change is trusted, and so is its folder'), (t) => {
  using made = tree();
  t.notThrows(() => requireTrusted(made.file));
  t.notThrows(() => requireTrusted(made.folder));
});

rootTest(
  title('a file or any folder above it that belongs to another is refused with the command that mends it'),
  (t) => {
    using made = tree();
    for (const at of [made.file, made.folder, made.root]) {
      chownSync(at, 1234, 0);
      const error = t.throws(() => requireTrusted(made.file), refusal);
      t.is(error.code, 'HELPER_UNSAFE_FILE');
      t.true(error.message.includes(`${at} belongs to uid 1234`), error.message);
      t.true(error.message.endsWith(`chown root ${at}`), error.message);
      chownSync(at, 0, 0);
      t.notThrows(() => requireTrusted(made.file));
    }
  },
);

rootTest(title('a file or any folder above it that a group or all can write is refused, sticky or not'), (t) => {
  using made = tree();
  for (const at of [made.file, made.folder, made.root]) {
    for (const mode of [0o775, 0o757, 0o777, 0o1777, 0o2775, 0o720]) {
      chmodSync(at, mode);
      const error = t.throws(() => requireTrusted(made.file), refusal, `${at} ${mode.toString(8)}`);
      t.true(error.message.includes(at) && error.message.includes(mode.toString(8)), error.message);
      const advice = (mode & 0o1000) === 0 ? `, or fix it: chmod go-w ${at}` : '.';
      t.true(error.message.endsWith(`Use a place that root alone can change${advice}`), error.message);
    }
    chmodSync(at, 0o755);
  }
});

rootTest(title('others may read and execute'), (t) => {
  using made = tree();
  for (const mode of [0o755, 0o555, 0o4755, 0o700, 0o400]) {
    chmodSync(made.file, mode);
    t.notThrows(() => requireTrusted(made.file), mode.toString(8));
  }
});

test('a file that is not there is refused by its name', (t) => {
  const error = t.throws(() => requireTrusted('/usr/no/such/file'), refusal);
  t.is(error.code, 'HELPER_UNSAFE_FILE');
  t.regex(error.message, /\/usr\/no\/such\/file \(at \/usr\/no\) is missing: ENOENT/);
});

rootTest(title("what is given back is the way without links, each of which is root's"), (t) => {
  using made = tree();
  const elsewhere = path.join(made.root, 'elsewhere');
  mkdirSync(elsewhere, { mode: 0o755 });
  symlinkSync('../folder', path.join(elsewhere, 'relative'));
  symlinkSync(path.join(elsewhere, 'relative', '.', 'helper'), path.join(made.root, 'absolute'));
  t.is(requireTrusted(path.join(made.root, 'absolute')), made.file);
});

rootTest(title("a way through another user's folder or link is refused, wherever it leads"), (t) => {
  using made = tree();
  const foreign = path.join(made.root, 'foreign');
  mkdirSync(foreign, { mode: 0o755 });
  chownSync(foreign, 1234, 1234);
  // The end of the way is root's file; who can change the link decides which of root's files it is.
  symlinkSync(made.file, path.join(foreign, 'link'));
  symlinkSync(path.join(foreign, 'link'), path.join(made.folder, 'inner'));
  symlinkSync(foreign, path.join(made.folder, 'to-folder'));
  symlinkSync(made.file, path.join(made.folder, 'given-away'));
  lchownSync(path.join(made.folder, 'given-away'), 1234, 0);
  for (const [way, named] of [
    [path.join(foreign, 'link'), foreign],
    [path.join(made.folder, 'inner'), foreign],
    [path.join(made.folder, 'to-folder', 'link'), foreign],
    [path.join(made.folder, 'given-away'), path.join(made.folder, 'given-away')],
  ] as const) {
    const error = t.throws(() => requireTrusted(way), refusal, way);
    t.is(error.code, 'HELPER_UNSAFE_FILE');
    t.true(error.message.startsWith(`HELPER_UNSAFE_FILE: ${named} belongs to uid 1234`), error.message);
  }
  t.regex(t.throws(() => requireTrusted(path.join(made.folder, 'given-away')), refusal).message, /chown -h root /);
});

rootTest(title('a circle of links, a FIFO and a socket are refused, and not waited for'), (t) => {
  using made = tree();
  symlinkSync(path.join(made.folder, 'b'), path.join(made.folder, 'a'));
  symlinkSync('a', path.join(made.folder, 'b'));
  t.regex(t.throws(() => requireTrusted(path.join(made.folder, 'a')), refusal).message, /more than 40 links/);
  t.is(spawnSync('mkfifo', ['-m', '600', path.join(made.folder, 'fifo')]).status, 0);
  t.regex(
    t.throws(() => requireTrusted(path.join(made.folder, 'fifo')), refusal).message,
    /neither a file nor a folder/,
  );
});

rootTest(title('behind a symbolic link it is the target that counts'), (t) => {
  using made = tree();
  const link = path.join(made.folder, 'link');
  symlinkSync(made.file, link);
  t.notThrows(() => requireTrusted(link));
  chmodSync(made.file, 0o777);
  t.throws(() => requireTrusted(link), refusal);
});
