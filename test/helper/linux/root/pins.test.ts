import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { HelperError } from '../../../../helper/errors.ts';
import type { Libc } from '../../../../helper/linux/libc.ts';
import { claimPins, removePins } from '../../../../helper/linux/root/pins.ts';

const isRoot = process.getuid?.() === 0;
const rootTest = isRoot ? test : test.skip;
const title = (fact: string): string => (isRoot ? fact : `${fact} [skipped: needs root]`);

/** A file system that everyone may make files in, as the BPF file system is where nobody has restricted it. */
function open() {
  const root = mkdtempSync('/var/lib/probes-pins-');
  chmodSync(root, 0o1777);
  const victim = path.join(root, 'victim');
  mkdirSync(victim, { mode: 0o755 });
  writeFileSync(path.join(victim, 'passwd'), '');
  return { root, victim, pins: path.join(root, 'pins'), [Symbol.dispose]: () => rmSync(root, { recursive: true }) };
}

const libc = { flock: () => 0 } as unknown as Libc;

rootTest(title("root's own folder is emptied and claimed"), (t) => {
  using made = open();
  mkdirSync(made.pins, { mode: 0o700 });
  writeFileSync(path.join(made.pins, 'ring-3'), '');
  removePins(made.pins);
  t.false(existsSync(path.join(made.pins, 'ring-3')));
  t.notThrows(() => claimPins(libc, made.pins));
});

rootTest(title('nothing is removed, and nothing claimed, behind a link that another user made'), (t) => {
  using made = open();
  symlinkSync(made.victim, made.pins);
  removePins(made.pins);
  t.true(existsSync(path.join(made.victim, 'passwd')));
  t.is(t.throws(() => claimPins(libc, made.pins), { instanceOf: HelperError }).code, 'HELPER_UNSAFE_FILE');
});

rootTest(
  title("nothing is removed, and nothing claimed, in another user's folder, or where others can replace it"),
  (t) => {
    using made = open();
    mkdirSync(made.pins, { mode: 0o700 });
    writeFileSync(path.join(made.pins, 'ring-3'), '');
    const refused = (why: string): void => {
      removePins(made.pins);
      t.true(existsSync(path.join(made.pins, 'ring-3')), why);
      t.is(t.throws(() => claimPins(libc, made.pins), { instanceOf: HelperError }, why).code, 'HELPER_UNSAFE_FILE');
    };
    chownSync(made.pins, 1234, 1234);
    refused('another user');
    chownSync(made.pins, 0, 0);
    chmodSync(made.pins, 0o755);
    refused('a wider mode');
    chmodSync(made.pins, 0o700);
    chmodSync(made.root, 0o777);
    refused('no sticky bit above it');
  },
);
