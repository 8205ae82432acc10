import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'ava';
import { APPLICATION_ID, hostId, type SystemAnswers } from '../../../agent/formats/host-id.ts';

const ID = '0f1e2d3c4b5a69788796a5b4c3d2e1f0';

/** A Linux whose files these are. */
const linux = (files: Record<string, string>): SystemAnswers => ({
  platform: 'linux',
  readFile: (path) => {
    const text = files[path];
    if (text === undefined) throw new Error(`no such file: ${path}`);
    return text;
  },
  run: () => '',
});

const systemd = spawnSync('systemd-id128', ['machine-id', '--app-specific', APPLICATION_ID], { encoding: 'utf8' });
(systemd.status === 0 ? test : test.skip)(
  `the id is the one that systemd makes of the same machine and application${systemd.status === 0 ? '' : ' [skipped: needs systemd-id128 and a machine id]'}`,
  (t) => {
    t.is(hostId(), systemd.stdout.trim());
    t.not(hostId(), readFileSync('/etc/machine-id', 'utf8').trim());
  },
);

test('the id of a machine never changes', (t) => {
  t.is(hostId(linux({ '/etc/machine-id': `${ID}\n` })), '243cf3bd7b034832acdbdf0e5e1d3256');
});

test("without /etc/machine-id, D-Bus's copy is used", (t) => {
  const expected = hostId(linux({ '/etc/machine-id': ID }));
  t.is(hostId(linux({ '/var/lib/dbus/machine-id': ID })), expected);
  t.is(hostId(linux({ '/etc/machine-id': 'uninitialized\n', '/var/lib/dbus/machine-id': ID })), expected);
});

for (const [what, text] of [
  ['nothing', ''],
  ['a machine that was not set up', 'uninitialized\n'],
  ['zeros', '0'.repeat(32)],
  ['something else', `${ID} ${ID}`],
] as const) {
  test(`a machine id that is ${what} is refused, with the place and what to do`, (t) => {
    const error = t.throws(() => hostId(linux({ '/etc/machine-id': text })));
    t.regex(error.message, /from \/etc\/machine-id: it holds no id .*systemd-machine-id-setup/u);
  });
}

test('no file at all is named too', (t) => {
  t.throws(() => hostId(linux({})), { message: /from \/etc\/machine-id: no such file/u });
});

test('Windows and macOS are asked in their own way, and an answer without an id is refused', (t) => {
  const guid = '0F1E2D3C-4B5A-6978-8796-A5B4C3D2E1F0';
  const asked: string[] = [];
  const system = (platform: NodeJS.Platform, answer: string): SystemAnswers => ({
    ...linux({}),
    platform,
    run: (program) => {
      asked.push(program.split(/[/\\]/u).at(-1)!);
      return answer;
    },
  });
  const key = String.raw`HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Cryptography`;
  const expected = hostId(linux({ '/etc/machine-id': ID }));
  t.is(hostId(system('win32', `\r\n${key}\r\n    MachineGuid    REG_SZ    ${guid}\r\n\r\n`)), expected);
  t.is(hostId(system('darwin', `+-o Mac\n  {\n    "IOPlatformUUID" = "${guid}"\n  }\n`)), expected);
  t.throws(() => hostId(system('win32', 'ERROR')), { message: /MachineGuid/u });
  t.throws(() => hostId(system('darwin', '')), { message: /IOPlatformUUID/u });
  t.deepEqual([...new Set(asked)], ['reg.exe', 'ioreg']);
});
