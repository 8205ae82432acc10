import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  MAX_NAMES_FILE_BYTES,
  MAX_USER_NAMES,
  PASSWORD_FILE_CHECK_MS,
  USER_LOOKUP_MS,
  USER_LOOKUP_MS_PER_SECOND,
  USER_NAME_MS,
} from '../../../agent/enrichment/limits.ts';
import { readUserNames } from '../../../agent/enrichment/password-file.ts';
import { UserNames } from '../../../agent/enrichment/user-names.ts';

function setting(t: ExecutionContext, sources: string) {
  const folder = mkdtempSync(join(tmpdir(), 'probes-users-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const [passwordFile, switchFile] = [join(folder, 'passwd'), join(folder, 'nsswitch.conf')];
  writeFileSync(passwordFile, 'ada:x:1000:1000::/home/ada:/bin/sh\nsecond:x:1000:1::/:/bin/sh\n');
  writeFileSync(switchFile, `group: ldap\npasswd: ${sources}\n`);
  const clock = { now: 0 };
  const asked: number[] = [];
  const names = new UserNames({
    passwordFile,
    switchFile,
    now: () => clock.now,
    askSystem: (uid) => (asked.push(uid), uid % 2 === 0 ? `user${uid}` : undefined),
  });
  return { names, passwordFile, switchFile, clock, asked };
}

test('names are those of the password file, and follow it', (t) => {
  const { names, passwordFile, clock, asked } = setting(t, 'files systemd');
  t.is(names.of(1000), 'ada');
  t.is(names.of(1001), undefined);
  writeFileSync(passwordFile, 'bob:x:1001:1001::/:/bin/sh\n');
  clock.now += PASSWORD_FILE_CHECK_MS;
  t.is(names.of(1001), 'bob');
  t.is(names.of(1000), undefined);
  t.deepEqual(asked, [], 'files alone have users');
});

test('where the system has other users it is asked, once in ten minutes for each', (t) => {
  const { names, clock, asked } = setting(t, 'files [NOTFOUND=continue] sss # files');
  t.deepEqual(
    [1000, 2000, 2001, 2000, 2001].map((uid) => names.of(uid)),
    ['ada', 'user2000', undefined, 'user2000', undefined],
  );
  t.deepEqual(asked, [2000, 2001]);
  clock.now += USER_NAME_MS;
  names.of(2000);
  t.deepEqual(asked, [2000, 2001, 2000]);
});

test('a slow directory holds up no more than its share of time, and its answers are bounded in number', (t) => {
  const { names, clock, passwordFile, switchFile } = setting(t, 'files ldap');
  let asked = 0;
  const slow = new UserNames({
    passwordFile: '/dev/null',
    switchFile: '/no/such/file',
    now: () => clock.now,
    askSystem: () => void asked++,
  });
  slow.of(1);
  t.is(asked, 0, 'without a switch file the C library looks into files alone');
  for (let uid = 2000; uid < 2000 + 3 * MAX_USER_NAMES; uid++) names.of(uid);
  t.true(names.remembered > 0 && names.remembered <= MAX_USER_NAMES);

  asked = 0;
  const patient = new UserNames({
    passwordFile,
    switchFile,
    now: () => clock.now,
    askSystem: () => ((clock.now += USER_LOOKUP_MS), void asked++),
  });
  for (let uid = 0; uid < 100; uid++) patient.of(5000 + uid);
  t.is(asked, 1);
  clock.now += (USER_LOOKUP_MS / USER_LOOKUP_MS_PER_SECOND) * 1000;
  patient.of(5001);
  t.is(asked, 2);
});

test('the real name service knows root', (t) => {
  t.is(new UserNames().of(0), 'root');
});

test('lines that the C library passes over name nobody', (t) => {
  const { passwordFile } = setting(t, 'files');
  const lines = [
    '#toor:x:0:0::/root:/bin/sh',
    '+::::::',
    '+nis:x:0:0::/:/bin/sh',
    '-@group:x:0:0::/:/bin/sh',
    'no-group:x:0',
    'odd-group:x:0:x::/:/bin/sh',
    ':x:0:0::/:/bin/sh',
    '  \troot:x:0:0::/root:/bin/sh\r',
    'second:x:0:0::/root:/bin/sh',
  ];
  writeFileSync(passwordFile, lines.join('\n'));
  t.deepEqual([...readUserNames(passwordFile)], [[0, 'root']]);
  writeFileSync(passwordFile, '#old:x:0:\n+:::\n+nis:x:0:\nwheel:x:0\n users:x:100:ada');
  t.deepEqual(
    [...readUserNames(passwordFile, 'group')],
    [
      [0, 'wheel'],
      [100, 'users'],
    ],
  );
});

test('a file of names that is no file, too large or out of reach counts as missing, and holds nothing up', (t) => {
  const { passwordFile, switchFile, names, clock } = setting(t, 'files');
  t.is(names.of(1000), 'ada');
  truncateSync(passwordFile, MAX_NAMES_FILE_BYTES + 1);
  truncateSync(switchFile, MAX_NAMES_FILE_BYTES + 1);
  clock.now += PASSWORD_FILE_CHECK_MS;
  t.is(names.of(1000), undefined);
  for (const replace of [
    (): unknown => execFileSync('mkfifo', [passwordFile]),
    (): unknown => symlinkSync(passwordFile, passwordFile),
  ]) {
    rmSync(passwordFile);
    replace();
    clock.now += PASSWORD_FILE_CHECK_MS;
    t.is(names.of(1000), undefined);
  }
});
