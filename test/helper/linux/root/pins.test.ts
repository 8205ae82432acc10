import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { HelperError } from '../../../../helper/errors.ts';
import type { Libc } from '../../../../helper/linux/libc.ts';
import { claimPins, pinFolder, removePins } from '../../../../helper/linux/root/pins.ts';

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
  removePins(libc, made.pins);
  t.false(existsSync(path.join(made.pins, 'ring-3')));
  t.notThrows(() => claimPins(libc, made.pins));
});

rootTest(title('nothing is removed, and nothing claimed, behind a link that another user made'), (t) => {
  using made = open();
  symlinkSync(made.victim, made.pins);
  removePins(libc, made.pins);
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
      removePins(libc, made.pins);
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

rootTest(title('the pins of a helper that runs stay: its folder has the same name, and the lock says so'), (t) => {
  using made = open();
  mkdirSync(made.pins, { mode: 0o700 });
  writeFileSync(path.join(made.pins, 'ring-5'), '');
  removePins({ flock: () => -1 } as unknown as Libc, made.pins);
  t.true(existsSync(path.join(made.pins, 'ring-5')));
});

rootTest(title('what other programs put into a folder of the same name stays, and stops nothing'), (t) => {
  using made = open();
  const pins = ['ring-5', 'exited-4', 'link-on_exec-0123456789ab-1'];
  const others = ['progs.debug', 'ring', 'link-x', 'tunnel_map', 'Ring-5'];
  mkdirSync(path.join(made.pins, 'globals-1'), { recursive: true, mode: 0o700 });
  chmodSync(made.pins, 0o700);
  for (const name of [...pins, ...others]) writeFileSync(path.join(made.pins, name), '');
  removePins(libc, made.pins);
  t.deepEqual(readdirSync(made.pins).toSorted(), [...others, 'globals-1'].toSorted());
});

test('no socket has its pins in the file system of everyone, or outside of it', (t) => {
  for (const socket of ['/events.sock', '/a/events.sock', '/../events.sock', '/./events.sock', '/a.b/events.sock'])
    t.regex(pinFolder(socket), /^\/sys\/fs\/bpf\/[^/.]+$/, socket);
});
