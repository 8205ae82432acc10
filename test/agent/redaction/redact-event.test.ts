import test from 'ava';
import type { StreamEvent } from '../../../agent/events/item.ts';
import { redactionSchema, type RedactionConfig } from '../../../agent/redaction/config.ts';
import { Patterns } from '../../../agent/redaction/finder.ts';
import { REDACTED } from '../../../agent/redaction/in-text.ts';
import { MAX_STEPS } from '../../../agent/redaction/limits.ts';
import { redactEvent } from '../../../agent/redaction/redact-event.ts';
import { Triggers } from '../../../agent/redaction/triggers.ts';
import { execEvent } from '../../support/fake-helper.ts';
import { toItem } from '../support/items.ts';
import { WITH_SECRETS, WITHOUT_SECRETS } from './command-lines.ts';

type Fields = Record<string, unknown>;

const patternsFor = (config: Partial<RedactionConfig> = {}): Patterns => new Patterns(redactionSchema.parse(config));
const PATTERNS = patternsFor();
const TRIGGERS = new Triggers(PATTERNS);

const MARKED = /«([^»]*)»/g;
const plain = (text: string): string => text.replaceAll(MARKED, '$1');
const masked = (text: string): string => text.replaceAll(MARKED, REDACTED);
const argumentsOf = (line: string | readonly string[]): readonly string[] =>
  typeof line === 'string' ? line.split(' ') : line;

function eventOf(argv: readonly string[], more: Fields = {}): Fields {
  const exe = argv[0]!.startsWith('/') ? argv[0]! : `/usr/bin/${argv[0]!}`;
  return execEvent(1, {
    exe,
    filename: exe,
    argv: [...argv],
    argv_bytes: argv.length,
    command: [exe, ...argv.slice(1)].join(' '),
    ...more,
  }) as unknown as Fields;
}

const redact = (event: Fields, patterns = PATTERNS, steps = MAX_STEPS): Fields =>
  (redactEvent(event as unknown as StreamEvent, patterns, steps)?.event ?? event) as unknown as Fields;

function suspects(event: Fields): boolean {
  const { memory, start, end } = toItem(event);
  return TRIGGERS.inLine(memory, start, end);
}

for (const line of WITH_SECRETS) {
  const argv = argumentsOf(line);
  test(`redacted: ${JSON.stringify(argv.join(' '))}`, (t) => {
    const event = eventOf(argv.map(plain));
    t.true(suspects(event), 'the line has no trigger');
    const redacted = redact(event);
    t.deepEqual(redacted['argv'], argv.map(masked));
    t.is(redacted['command'], [event['filename'], ...argv.slice(1).map(masked)].join(' '));
    t.deepEqual(redacted, { ...event, argv: redacted['argv'], command: redacted['command'], redacted: true });
    t.deepEqual(redact(redacted), redacted, 'redacting again changes something');
  });
}

for (const line of WITHOUT_SECRETS) {
  const argv = argumentsOf(line);
  test(`left alone: ${JSON.stringify(argv.join(' '))}`, (t) => {
    t.is(redactEvent(eventOf(argv) as unknown as StreamEvent, PATTERNS, MAX_STEPS), undefined);
  });
}

test('there are enough command lines of both kinds', (t) => {
  t.true(WITH_SECRETS.length >= 100 && WITHOUT_SECRETS.length >= 75);
});

test('an alert: ancestors, what a correlation grouped by, and nothing of the rules themselves', (t) => {
  const rules = [
    {
      id: 'r',
      title: 'Looks for --password=x',
      tags: ['a'],
      group: { CommandLine: 'app --password=hunter2', User: 'ada' },
    },
  ];
  const event = eventOf(['sh'], {
    entity_id: 'b/1/2',
    ancestors: [
      { pid: 1, exe: '/bin/a', command_line: 'mysql -u root -phunter2 shop' },
      { pid: 2, exe: '/bin/b', command_line: 'make all' },
    ],
    rules,
  });
  t.deepEqual(redact(event), {
    ...event,
    ancestors: [
      { pid: 1, exe: '/bin/a', command_line: 'mysql -u root -p[redacted] shop' },
      { pid: 2, exe: '/bin/b', command_line: 'make all' },
    ],
    rules: [{ ...rules[0], group: { CommandLine: 'app --password=[redacted]', User: 'ada' } }],
    redacted: true,
  });
});

test('variables, by their names and by what is in them', (t) => {
  const env = {
    PGPASSWORD: 'hunter2',
    PATH: '/bin',
    PWD: '/home',
    URL: 'https://a:b@c/',
    LD_PRELOAD: '',
    API_TOKEN: 'x',
  };
  t.deepEqual(redact(eventOf(['sh'], { env }))['env'], { ...env, PGPASSWORD: REDACTED, URL: 'https://a:[redacted]@c/', API_TOKEN: REDACTED }); // prettier-ignore
  t.deepEqual(redact(eventOf(['sh'], { env: ['PATH=/bin', 'DB_PASSWORD=a b'] }))['env'], [
    'PATH=/bin',
    'DB_PASSWORD=[redacted] b',
  ]);
});

test('every value of a variable that stands more than once is looked at, and no bytes of a redacted one stay in raw', (t) => {
  const bytes = (text: string) => Buffer.from(text, 'latin1').toString('base64');
  const event = eventOf(['sh'], {
    env: { DB_PASSWORD: 'hunter2\ufffd', LD_PRELOAD: '/x/\ufffd.so' },
    env_repeated: { DB_PASSWORD: ['first\ufffd', ''], LD_PRELOAD: ['https://a:b@c/', '/y/\ufffd.so'] },
    raw: {
      'env.DB_PASSWORD': bytes('hunter2\xff'),
      'env_repeated.DB_PASSWORD[0]': bytes('first\xff'),
      'env.LD_PRELOAD': bytes('/x/\xff.so'),
      'env_repeated.LD_PRELOAD[1]': bytes('/y/\xff.so'),
    },
  });
  const redacted = redact(event);
  t.deepEqual(redacted['env'], { DB_PASSWORD: REDACTED, LD_PRELOAD: '/x/\ufffd.so' });
  t.deepEqual(redacted['env_repeated'], {
    DB_PASSWORD: [REDACTED, ''],
    LD_PRELOAD: ['https://a:[redacted]@c/', '/y/\ufffd.so'],
  });
  t.deepEqual(redacted['raw'], {
    'env.LD_PRELOAD': bytes('/x/\xff.so'),
    'env_repeated.LD_PRELOAD[1]': bytes('/y/\xff.so'),
  });
});

test('a command line of Windows, whose arguments are split from it', (t) => {
  const event = eventOf(['C:\\bin\\Curl.EXE', '-u', 'ada:hunter2', 'https://x/'], {
    exe: 'C:\\bin\\curl.exe',
    command: 'C:\\bin\\curl.exe -u ada:hunter2 https://x/',
    command_line: '"C:\\bin\\Curl.EXE" -u "ada:hunter2" https://x/',
  });
  const redacted = redact(event);
  t.deepEqual(redacted['argv'], ['C:\\bin\\Curl.EXE', '-u', 'ada:[redacted]', 'https://x/']);
  t.is(redacted['command'], 'C:\\bin\\curl.exe -u ada:[redacted] https://x/');
  t.is(redacted['command_line'], '"C:\\bin\\Curl.EXE" -u "ada:[redacted]" https://x/');
});

test('raw does not give the bytes of a redacted argument away, and keeps those of others', (t) => {
  const bytes = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
  const event = eventOf(['app', '--password=\ufffdx', 'caf\ufffd', '--token', 'a\ufffd'], {
    raw: {
      'argv[1]': bytes('--password=\xffx'),
      'argv[2]': bytes('caf\xe9'),
      'argv[4]': bytes('a\xff'),
      'cwd': bytes('/\xff'),
    },
  });
  const redacted = redact(event);
  t.deepEqual(redacted['argv'], ['app', '--password=[redacted]', 'caf\ufffd', '--token', REDACTED]);
  t.deepEqual(redacted['raw'], { 'argv[2]': bytes('caf\xe9'), 'cwd': bytes('/\xff') });
  const alone = redact({ ...event, raw: { 'argv[1]': bytes('--password=\xffx') } });
  t.false('raw' in alone);
});

test('raw of all arguments keeps those that were not redacted', (t) => {
  const bytes = (parts: readonly string[], end: string): string =>
    Buffer.from(parts.join('\0') + end, 'latin1').toString('base64');
  const raw = ['app', 'caf\xe9', '--password=\xff', 'z'];
  const list = ['app', 'caf\ufffd', '--password=\ufffd', 'z'];
  const fresh = ['app', 'caf\xe9', '--password=[redacted]', 'z'];
  t.deepEqual(redact(eventOf(list, { raw: { argv: bytes(raw, '\0') } }))['raw'], { argv: bytes(fresh, '\0') });
  // Another number of arguments than argv has: which is which cannot be told.
  t.false('raw' in redact(eventOf(list, { raw: { argv: bytes(raw.slice(1), '\0') } })));
});

test('arguments that were cut: what is left of a secret is redacted', (t) => {
  const cut = (...list: string[]) => redact(eventOf(list, { argv_truncated: true }));
  t.deepEqual(cut('app', '--password=hun')['argv'], ['app', '--password=[redacted]']);
  t.deepEqual(cut('app', '--password', 'h')['argv'], ['app', '--password', REDACTED]);
  t.deepEqual(cut('app', '-----BEGIN PRIVATE KEY-----\nMII')['argv'], ['app', REDACTED]);
  t.is(cut('app', '--password=hun')['argv_truncated'], true);
  // A command that is not the path and the last arguments is searched by itself, and for what was found in argv.
  const event = eventOf(['app', '--password', 'two words'], { command: '/usr/bin/app --password two words and mo' });
  t.is(redact(event)['command'], '/usr/bin/app --password [redacted] words and mo');
});

test("a script's command has the caller's arguments alone", (t) => {
  const event = eventOf(['/usr/bin/env', 'bash', '/x/deploy', '--token', 'abc'], {
    exe: '/usr/bin/env',
    filename: '/x/deploy',
    command: '/x/deploy --token abc',
  });
  t.is(redact(event)['command'], '/x/deploy --token [redacted]');
});

test('events of other types, and those without arguments', (t) => {
  t.deepEqual(redact({ type: 'new', text: 'https://a:b@c/', list: ['x'] }), {
    type: 'new',
    text: 'https://a:[redacted]@c/',
    list: ['x'],
    redacted: true,
  });
  const failed = { ...eventOf(['app', '--token=x']), type: 'exec_failed', error: 'ENOENT' };
  t.deepEqual(redact(failed)['argv'], ['app', '--token=[redacted]']);
  const { argv: _, ...without } = eventOf(['app', '--token=x']);
  t.is(redact(without)['command'], '/usr/bin/app --token=[redacted]');
});

test('own patterns: all that they find', (t) => {
  const patterns = patternsFor({
    patterns: [
      { name: 'acme', regex: String.raw`\bACME-[0-9a-f]{8}` },
      { name: 'lines', regex: 'BEGIN.*END' },
    ],
  });
  const list = ['x', 'ACME-01234567,ACME-89abcdef', 'ACME-xyz', 'aBEGIN b ENDc'];
  t.deepEqual(redact(eventOf(list), patterns)['argv'], ['x', '[redacted],[redacted]', 'ACME-xyz', 'a[redacted]c']);
  const { memory, start, end } = toItem(eventOf(list));
  t.true(new Triggers(patterns).inLine(memory, start, end));
  // One without any text of its own can be found in each line.
  const { memory: quiet, start: from, end: to } = toItem(eventOf(['x', '1234567890123456']));
  t.true(new Triggers(patternsFor({ patterns: [{ name: 'card', regex: '[0-9]{16}' }] })).inLine(quiet, from, to));
});

test('exceptions: a pattern by its name, a secret by an expression', (t) => {
  const list = ['app', '--password=changeit', '--password', 'hunter2', '--csrf-token', 'x', 'https://a:b@c/'];
  const patterns = patternsFor({ except: [{ pattern: 'url' }, { regex: '=changeit$' }, { regex: '^--csrf-token ' }] });
  t.deepEqual(redact(eventOf(list), patterns)['argv'], [
    'app',
    '--password=changeit',
    '--password',
    REDACTED,
    '--csrf-token',
    'x',
    'https://a:b@c/',
  ]);
});

test('of a container, its name and its image are looked at, and no id', (t) => {
  const id = 'ab'.repeat(32);
  const container = { id, runtime: 'docker', image: 'https://a:b@registry/x', name: 'web' };
  const redacted = redact(
    eventOf(['sh'], { container }),
    patternsFor({ patterns: [{ name: 'hex', regex: '[0-9a-f]{64}' }] }),
  );
  t.deepEqual(redacted['container'], { ...container, image: 'https://a:[redacted]@registry/x' });
});
