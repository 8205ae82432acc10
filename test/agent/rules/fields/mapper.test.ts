import test from 'ava';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createMapper, lookupsFor } from '../../../../agent/rules/fields/mapper.ts';
import type { Digests } from '../../../../agent/rules/fields/lookups.ts';
import { FIELDS } from '../../../../agent/rules/fields/table.ts';
import { EXEC_EXAMPLE, type ExecEvent } from '../../../../shared/events/exec.ts';

test("an event of ours gets Sigma's names, with what look-ups know", (t) => {
  const map = createMapper({
    platform: 'linux',
    lookups: {
      userName: (uid) => (uid === 1000 ? 'ada' : undefined),
      parentCommandLine: ({ parent }) => `-bash (${parent?.pid})`,
      digests: ({ exe }) => ({ sha256: `ab${exe?.length}`, md5: 'cd' }),
    },
  });
  t.deepEqual(map(EXEC_EXAMPLE), {
    Image: '/usr/bin/env',
    CommandLine: '/usr/bin/env node /usr/bin/npm install',
    CurrentDirectory: '/home/ada/site',
    ProcessId: 12345,
    UtcTime: '2023-03-15 13:20:00.123',
    User: 'ada',
    LogonId: 1000,
    TerminalSessionId: 12001,
    ParentImage: '/usr/bin/bash',
    ParentProcessId: 12001,
    ParentCommandLine: '-bash (12001)',
    Hashes: 'MD5=CD,SHA256=AB12',
    md5: 'cd',
    sha256: 'ab12',
  });
});

test('on Windows the command line is the whole text, and the version resource speaks', (t) => {
  const map = createMapper({
    platform: 'windows',
    lookups: {
      versionInfo: () => ({ originalFileName: 'Cmd.Exe', product: 'Windows' }),
      integrityLevel: () => 'High',
      logonId: () => '0x3e7',
    },
  });
  const { loginuid: _, uid: __, ...event } = EXEC_EXAMPLE;
  t.like(map({ ...event, exe: 'C:\\cmd.exe', command_line: '"cmd"  /c', user_sid: 'S-1-5-18' }), {
    CommandLine: '"cmd"  /c',
    OriginalFileName: 'Cmd.Exe',
    Product: 'Windows',
    IntegrityLevel: 'High',
    LogonId: '0x3e7',
    User: 'S-1-5-18',
  });
});

test('only the fields that rules read are filled, and only their look-ups are needed', (t) => {
  const fields = new Set(['Image', 'Hashes', 'container_id', 'parent.pid', 'Absent']);
  const map = createMapper({
    platform: 'linux',
    fields,
    lookups: { digests: () => undefined, userName: () => t.fail() as never },
  });
  t.deepEqual(map({ ...EXEC_EXAMPLE, container_id: 'c0ffee' }), {
    'Image': '/usr/bin/env',
    'container_id': 'c0ffee',
    'parent.pid': 12001,
  });
  t.deepEqual([...lookupsFor('linux', fields)], ['digests']);
  t.deepEqual([...lookupsFor('linux', new Set(['OriginalFileName']))], [], 'Linux programs have no version resource');
});

test('an import hash is looked up for Windows programs alone, and only for rules that read it', (t) => {
  const needs = (platform: 'linux' | 'windows', ...fields: string[]) =>
    [...lookupsFor(platform, new Set(fields))].toSorted();
  t.deepEqual(needs('windows', 'Hashes'), ['digests', 'imphash']);
  t.deepEqual(needs('windows', 'md5', 'sha1', 'sha256'), ['digests']);
  for (const name of ['imphash', 'Imphash']) {
    t.deepEqual(needs('windows', name), ['imphash']);
    t.deepEqual(needs('linux', name), []);
  }
  t.deepEqual(needs('linux', 'Hashes'), ['digests']);

  const map = (digests: Digests | undefined, hash: string | undefined) =>
    createMapper({
      platform: 'windows',
      fields: new Set(['Hashes', 'imphash', 'Imphash']),
      lookups: { digests: () => digests, imphash: () => hash },
    })(EXEC_EXAMPLE);
  t.deepEqual(map({ sha1: 'a1', md5: 'b2', sha256: 'c3' }, 'd4'), {
    Hashes: 'SHA1=A1,MD5=B2,SHA256=C3,IMPHASH=D4',
    imphash: 'd4',
    Imphash: 'd4',
  });
  t.deepEqual(map({ md5: 'b2' }, undefined), { Hashes: 'MD5=B2' });
  t.deepEqual(map(undefined, 'd4'), { Hashes: 'IMPHASH=D4', imphash: 'd4', Imphash: 'd4' });
  t.deepEqual(map(undefined, undefined), {});
});

test('the table of docs/rules.md is the table of the code', (t) => {
  const text = readFileSync(path.resolve(import.meta.dirname, '../../../../docs/rules.md'), 'utf8');
  const rows = text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .map((cell) => cell.trim())
        .slice(1, 5)
        .join(' | '),
    );
  for (const { sigma, from, platforms, lookups } of FIELDS) {
    const where = platforms.length === 3 ? 'all' : platforms.join(', ');
    const row = `\`${sigma}\` | ${from} | ${where} | ${lookups === undefined ? '' : 'yes'}`;
    t.true(rows.includes(row), row);
  }
});

test("an event of a rule's test may lack whatever it likes", (t) => {
  for (const platform of ['linux', 'macos', 'windows'] as const)
    t.deepEqual(createMapper({ platform })({ type: 'exec', exe: '/x' } as ExecEvent), { Image: '/x' });
});

test('the environment is a list of NAME=value with every value of a name, and single variables have paths', (t) => {
  const fields = new Set(['Environment', 'env.LD_PRELOAD', 'env.ABSENT']);
  const map = createMapper({ platform: 'linux', fields });
  t.deepEqual(
    map({ ...EXEC_EXAMPLE, env: { LD_PRELOAD: '', A: 'b=c' }, env_repeated: { LD_PRELOAD: ['/tmp/x.so', ''] } }),
    {
      'Environment': ['LD_PRELOAD=', 'LD_PRELOAD=/tmp/x.so', 'LD_PRELOAD=', 'A=b=c'],
      'env.LD_PRELOAD': '',
    },
  );
  t.deepEqual(map({ ...EXEC_EXAMPLE, env: {} }), { Environment: [] });
  t.deepEqual(map(EXEC_EXAMPLE), {}, 'a helper that tells none');
});
