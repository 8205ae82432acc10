import test, { type ExecutionContext } from 'ava';
import { helpText, parseAudit, parseRun } from '../../helper/command-line.ts';
import { EXIT_CODES, HelperError, type ErrorCode } from '../../helper/errors.ts';
import { auditFlags, runFlags } from '../../helper/flags.ts';
import * as limits from '../../helper/limits.ts';

/** @returns the message */
function refused(t: ExecutionContext, args: string[], code: ErrorCode = 'HELPER_USAGE'): string {
  const error = t.throws(() => parseRun(args), { instanceOf: HelperError }, args.join(' '));
  t.is(error.code, code, error.message);
  return error.message;
}

test('without a flag every option has its default', (t) => {
  t.like(parseRun([]), {
    socket: '/run/platform-probes/events.sock',
    group: 'probes',
    user: 'probes-helper',
    ringBytes: limits.DEFAULT_RING_BYTES,
    backlogBytes: limits.DEFAULT_BACKLOG_BYTES,
    pin: false,
    exits: false,
    failures: false,
    forks: false,
    env: [],
  });
});

test('what the parser of Node says ends as one sentence', (t) => {
  for (const args of [['--backlog', '-1'], ['--socket'], ['--bogus'], ['extra'], ['--exits=1']])
    t.regex(refused(t, args), /[^.]\. See probes-helper --help\.$/);
});

test('every flag is taken, with a blank or an equals sign', (t) => {
  t.like(
    parseRun([
      '--socket',
      '/a/b',
      '--group',
      'g',
      '--user=7',
      '--ring',
      '64KiB',
      '--backlog=1MiB',
      '--pin',
      '--exits',
      '--failures',
      '--forks',
      '--env',
      'LD_PRELOAD,SSH_CONNECTION',
      '--source',
      'ebpf',
    ]),
    {
      socket: '/a/b',
      group: 'g',
      user: '7',
      ringBytes: 65536,
      backlogBytes: 1048576,
      pin: true,
      exits: true,
      failures: true,
      forks: true,
      env: ['LD_PRELOAD', 'SSH_CONNECTION'],
    },
  );
});

test('--notify takes a path, a name, or nothing', (t) => {
  t.is(parseRun([]).notify, undefined);
  t.is(parseRun(['--notify', '']).notify, undefined);
  t.is(parseRun(['--notify=/run/systemd/notify']).notify, '/run/systemd/notify');
  t.is(parseRun(['--notify=@abstract']).notify, '@abstract');
  for (const wrong of ['run/notify', '@', '/', 'vsock:2:1']) t.regex(refused(t, [`--notify=${wrong}`]), /--notify/);
});

test('--env takes names of variables, each once, and nothing for none', (t) => {
  t.deepEqual(parseRun([]).env, []);
  t.deepEqual(parseRun(['--env', '']).env, []);
  const names = ['LD_PRELOAD', '_', 'BASH_FUNC_x%%', 'npm_config_@scope:registry', 'a.b-c+d/e(f)', '__proto__'];
  t.deepEqual(parseRun([`--env=${names.join(',')}`]).env, names);
  t.deepEqual(parseRun(['--env=A,B,A']).env, ['A', 'B']);
  const many = Array.from({ length: limits.MAX_ENV_NAMES }, (_, i) => `V${i}`);
  t.deepEqual(parseRun(['--env', many.join(',')]).env, many);
  t.deepEqual(parseRun(['--env', 'x'.repeat(limits.MAX_ENV_NAME_BYTES)]).env.length, 1);
  t.regex(refused(t, ['--env', [...many, 'MORE'].join(',')]), /--env: 33 names, more than 32/);
  t.regex(refused(t, ['--env', 'x'.repeat(limits.MAX_ENV_NAME_BYTES + 1)]), /--env: .*longer than 128 bytes/);
});

test('a name that is none is refused, with the name and never with a value', (t) => {
  for (const wrong of [
    '*',
    'LD_*',
    'A?',
    'A,',
    ',A',
    'A,,B',
    ' A',
    'A B',
    '1A',
    'Ä',
    'A;B',
    '"A"',
    'A\u0000',
    'A\n',
    '$A',
  ]) {
    const message = refused(t, [`--env=${wrong}`]);
    t.true(message.includes('--env: ') && message.includes('is not the name of a variable'), message);
    t.false(message.includes('\n'));
  }
  const message = refused(t, ['--env', 'A,TOKEN=hunter2']);
  t.regex(message, /--env: "TOKEN" has a value/);
  t.false(message.includes('hunter2'));
});

test('--forks and --env are flags of the systems that have them', (t) => {
  t.deepEqual(parseRun(['--env=A'], 'darwin').env, ['A']);
  for (const [flag, platform] of [
    ['--forks', 'darwin'],
    ['--forks', 'win32'],
    ['--env=A', 'win32'],
  ] as const)
    t.throws(() => parseRun([flag], platform), { code: 'HELPER_UNSUPPORTED' }, `${flag} ${platform}`);
});

test('a switch can be set off again, an option with a value cannot', (t) => {
  t.like(parseRun(['--pin', '--no-pin']), { pin: false });
  t.like(parseRun(['--exits', '--no-exits', '--no-failures']), { exits: false, failures: false });
  for (const flag of ['--no-socket', '--no-user', '--no-group', '--no-ring', '--no-source']) refused(t, [flag]);
});

test('sizes are bytes, KiB, MiB or GiB', (t) => {
  t.is(parseRun(['--ring', '131072']).ringBytes, 131072);
  t.is(parseRun(['--ring', '128KiB']).ringBytes, 131072);
  t.is(parseRun(['--ring', '1GiB']).ringBytes, 2 ** 30);
  t.is(parseRun(['--backlog', '1GiB']).backlogBytes, 2 ** 30);
});

test('a size that is no size is refused with its flag and the value', (t) => {
  for (const flag of ['--ring', '--backlog']) {
    for (const value of [
      '',
      ' ',
      '8',
      '8M',
      '8mib',
      '8 MiB',
      '1.5MiB',
      '0x800000',
      '1e7',
      '8MiBx',
      '\u0038\u0660MiB',
      '2GiB',
      '9999999999999',
      '999999999999GiB',
      '65535',
    ]) {
      const message = refused(t, [`${flag}=${value}`]);
      t.true(message.includes(`${flag}: `) && message.includes(`"${value}"`), message);
    }
  }
});

test('bounds are inclusive', (t) => {
  const { MIN_RING_BYTES, MAX_RING_BYTES, MIN_BACKLOG_BYTES, MAX_BACKLOG_BYTES } = limits;
  for (const bytes of [MIN_RING_BYTES, MAX_RING_BYTES]) t.is(parseRun(['--ring', String(bytes)]).ringBytes, bytes);
  for (const bytes of [MIN_BACKLOG_BYTES, MAX_BACKLOG_BYTES])
    t.is(parseRun(['--backlog', String(bytes)]).backlogBytes, bytes);
  refused(t, ['--ring', String(MIN_RING_BYTES / 2)]);
  refused(t, ['--ring', String(MAX_RING_BYTES * 2)]);
  refused(t, ['--backlog', String(MIN_BACKLOG_BYTES - 1)]);
  refused(t, ['--backlog', String(MAX_BACKLOG_BYTES + 1)]);
});

test('a ring that is no power of two is refused with the next that is', (t) => {
  t.regex(refused(t, ['--ring', '100000']), /131072/);
  t.regex(refused(t, ['--ring', '3MiB']), /4194304/);
});

test('a backlog is rounded up to whole 64 KiB', (t) => {
  t.is(parseRun(['--backlog', '1048577']).backlogBytes, 1048576 + 65536);
});

test('an unknown flag, a flag without a value and a word too many are refused, each in one line', (t) => {
  for (const args of [
    ['--rings', '8MiB'],
    ['--ring'],
    ['--socket', '--group', 'x'],
    ['now'],
    ['--failures=yes'],
    ['--', 'x'],
    ['-s', '/a'],
  ]) {
    t.false(refused(t, args).includes('\n'));
  }
});

test('a source that this system does not have is unsupported, not misspelt', (t) => {
  t.regex(refused(t, ['--source', 'etw'], 'HELPER_UNSUPPORTED'), /"etw"/);
});

test('each system has its own defaults, and refuses flags of another', (t) => {
  t.like(parseRun(['--service'], 'win32'), {
    socket: String.raw`\\.\pipe\platform-probes-events`,
    source: 'etw',
    service: true,
  });
  for (const flag of ['--pin', '--exits', '--failures', '--user=x', '--notify=/x']) {
    const error = t.throws(() => parseRun([flag], 'win32'), { instanceOf: HelperError });
    t.is(error.code, 'HELPER_UNSUPPORTED');
  }
  t.regex(refused(t, ['--service'], 'HELPER_UNSUPPORTED'), /--service/);
  t.notRegex(helpText('win32'), /^ *--pin /m);
  t.true(helpText('win32').includes('--service'));
});

test('the help of each system names exactly the flags that it takes', (t) => {
  for (const platform of ['linux', 'darwin', 'win32'] as const) {
    const [, run = '', audit = ''] =
      /flags of run:\n([^]*)\nflags of audit:\n([^]*?)\n\n/.exec(helpText(platform)) ?? [];
    for (const [text, flags, parse] of [
      [run, runFlags(platform), parseRun],
      [audit, auditFlags(platform), parseAudit],
    ] as const) {
      const named = [...text.matchAll(/^ {2}--(\S+)/gm)].map((match) => match[1]);
      t.deepEqual(
        named,
        flags.filter(({ available }) => available).map(({ name }) => name),
      );
      for (const { name, value, available, choices } of flags) {
        const sample = choices?.[0] ?? { BYTES: '1MiB', NAMES: 'A' }[value ?? ''] ?? '/x';
        const args = [value === undefined ? `--${name}` : `--${name}=${sample}`];
        if (available) t.notThrows(() => parse(args, platform), `${platform} ${args[0]}`);
        else t.throws(() => parse(args, platform), { code: 'HELPER_UNSUPPORTED' }, `${platform} ${args[0]}`);
      }
    }
  }
});

test('the help names every flag, every default and every exit code', (t) => {
  const help = helpText();
  for (const flag of [
    '--socket',
    '--group',
    '--user',
    '--ring',
    '--backlog',
    '--pin',
    '--no-pin',
    '--exits',
    '--failures',
    '--forks',
    '--env',
    '--notify',
    '--source',
    '--version',
    '--help',
  ])
    t.true(help.includes(flag), flag);
  for (const text of ['/run/platform-probes/events.sock', '(probes)', '(probes-helper)', '(8MiB)', '(16MiB)'])
    t.true(help.includes(text), text);
  for (const [code, number] of Object.entries(EXIT_CODES))
    t.regex(help, new RegExp(`^ +${number}  .+\\(${code}\\)$`, 'm'));
});
