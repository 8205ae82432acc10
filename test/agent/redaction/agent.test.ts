import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { EXEC_EXAMPLE } from '../../../shared/events/exec.ts';
import { execEvent, FakeHelper, gapEvent } from '../../support/fake-helper.ts';
import { wholeLines } from '../../support/lines.ts';
import { Workplace } from '../support/agent-process.ts';
import { read, start, summaryOf } from '../support/outputs.ts';
import { agent as command } from '../support/run.ts';

type Fields = Record<string, unknown>;

const eventsIn = (file: string): Fields[] =>
  wholeLines(readFileSync(file, 'utf8')).map((line) => JSON.parse(line) as Fields);
const ran = (seq: number, ...argv: string[]): ReturnType<typeof execEvent> =>
  execEvent(seq, { exe: argv[0]!, filename: argv[0]!, argv, command: argv.join(' ') });

/** Drops by the secret itself, which it must see. */
const FILTER = `filters:
  - name: noise
    detection: { a: { CommandLine|contains: drop-me-hunter2 }, condition: a }
    action: drop
`;
const configuration = (
  work: Workplace,
  helper: FakeHelper,
  more = '',
): string => `source: { socket: ${helper.socketPath} }
outputs:
  - { name: all, type: file, path: ${work.path('all')} }
${more}`;

test.serial('rules and filters see whole command lines, outputs do not; other lines pass byte for byte', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  mkdirSync(work.path('rules'));
  const rule = (id: string, contains: string): string =>
    `title: ${id}\nid: ${id}\nlogsource: { category: process_creation }\ndetection: { a: { CommandLine|contains: '${contains}' }, condition: a }\n`;
  writeFileSync(work.path('rules/a.yml'), rule('secret', 'hunter2'));
  writeFileSync(work.path('rules/b.yml'), rule('child', 'plain'));
  helper.send(
    ran(1, '/bin/app', '--verbose'),
    { ...ran(2, '/bin/app', '--password=hunter2'), pid: 50, start_time: 5 },
    gapEvent(3, 4),
    ran(5, '/bin/app', '--password=drop-me-hunter2'),
    { ...ran(6, '/bin/app', 'plain'), ppid: 50, parent: { pid: 50, start_time: 5, exe: '/bin/app' } },
    ran(7, '/bin/curl', '-u', 'ada:geheim', 'https://example.org/'),
  );
  const rules = `rules: { builtin: false, folders: [${work.path('rules')}] }\n`;
  await using agent = await start(work, configuration(work, helper, FILTER + rules));
  await agent.until(() => wholeLines(read(work.path('all'))).length === 5);
  t.is(await agent.end(), 0);
  const text = read(work.path('all'));
  t.false(/hunter2|geheim/.test(text));
  t.is(summaryOf(text), '1 2 [3-4 ring ring_full] 6 7');
  const [quiet, loud, , child, curl] = eventsIn(work.path('all'));
  t.is(`${wholeLines(text)[0]!}\n`, `${JSON.stringify(ran(1, '/bin/app', '--verbose'))}\n`);
  t.false('redacted' in quiet!);
  t.like(loud, { command: '/bin/app --password=[redacted]', redacted: true, rules: [{ id: 'secret' }] });
  t.like(child, { command: '/bin/app plain', redacted: true, rules: [{ id: 'child' }] });
  t.is((child!['ancestors'] as Fields[])[0]!['command_line'], '/bin/app --password=[redacted]');
  t.like(curl, {
    argv: ['/bin/curl', '-u', 'ada:[redacted]', 'https://example.org/'],
    argv_bytes: EXEC_EXAMPLE.argv_bytes,
  });
  const judged = agent.events.find(({ event }) => event === 'EventsJudged');
  t.like(judged, { judged: 5, dropped: 1, alerts: 2 });
  t.like(
    agent.events.find(({ event }) => event === 'EventsRedacted'),
    { events: 3, patterns: { option: 2, tool: 1 } },
  );
  t.false(agent.stderr.includes('hunter2'));
});

test.serial('SIGHUP switches redaction off and on, and takes other patterns', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  const send = (seq: number): void => helper.send(ran(seq, '/bin/app', '--password=hunter2', 'ACME-1234'));
  await using agent = await start(work, configuration(work, helper));
  send(1);
  const settings = [
    'redaction: { enabled: false }\n',
    'redaction: { patterns: [{ name: acme, regex: "ACME-[0-9]{4}" }], except: [{ pattern: option }] }\n',
    'redaction: {}\n',
  ];
  for (const [i, more] of settings.entries()) {
    await agent.until(() => wholeLines(read(work.path('all'))).length === i + 1);
    work.configure(configuration(work, helper, more));
    agent.child.kill('SIGHUP');
    await agent.until(() => agent.countOf('ConfigReloaded') === i + 1);
    send(i + 2);
  }
  await agent.until(() => wholeLines(read(work.path('all'))).length === 4);
  // A wrong pattern changes nothing.
  work.configure(configuration(work, helper, 'redaction: { patterns: [{ name: acme, regex: "(" }] }\n'));
  agent.child.kill('SIGHUP');
  await agent.until(() => agent.countOf('ConfigRefused') === 1);
  send(5);
  await agent.until(() => wholeLines(read(work.path('all'))).length === 5);
  t.is(await agent.end(), 0);
  t.deepEqual(
    eventsIn(work.path('all')).map(({ argv }) => (argv as string[]).slice(1).join(' ')),
    [
      '--password=[redacted] ACME-1234',
      '--password=hunter2 ACME-1234',
      '--password=hunter2 [redacted]',
      '--password=[redacted] ACME-1234',
      '--password=[redacted] ACME-1234',
    ],
  );
  t.like(
    agent.events.find(({ event }) => event === 'EventsRedacted'),
    { events: 4, patterns: { option: 3, acme: 1 } },
  );
});

test.serial('after a restart, events that were redacted are known', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  helper.send(ran(1, '/bin/app', '--password=hunter2'), ran(2, '/bin/app', '--token', 'x'));
  for (const count of [2, 3]) {
    helper.hello.last_seq = count;
    await using agent = await start(work, configuration(work, helper));
    await agent.until(() => wholeLines(read(work.path('all'))).length === count);
    t.is(await agent.end(), 0);
    if (count === 2) helper.send(ran(3, '/bin/app', '--password=hunter2'));
  }
  t.is(summaryOf(read(work.path('all'))), '1 2 3');
});

test('check names a faulty pattern by its place', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  work.configure(
    configuration(
      work,
      helper,
      `redaction:
  enabled: maybe
  patterns:
    - { name: a, regex: 'x(' }
    - { name: b c, regex: 'x*' }
    - { name: jwt, regex: '(?=x)x' }
    - { name: d, regexp: x }
  except:
    - { pattern: no_such }
    - { regex: '[' }
    - {}
  patern: []
`,
    ),
  );
  const { code, stderr } = await command('check', '--config', work.configFile);
  t.is(code, 3);
  t.is(
    stderr.replaceAll(`${work.configFile}:`, ''),
    `5:12: redaction.enabled: expected true or false, got "maybe"
7:25: redaction.patterns[0].regex: regular expression: a "(" is not closed (character 3), got "x("
8:15: redaction.patterns[1].name: expected letters, digits, ".", "_" and "-", at most 64, got "b c"
8:27: redaction.patterns[1].regex: regular expression: it can match an empty text, so it is found everywhere, got "x*"
9:27: redaction.patterns[2].regex: regular expression: look-around is not supported (character 3), got "(?=x)x"
10:7: redaction.patterns[3].regex: missing; expected text
10:18: redaction.patterns[3].regexp: unknown key, did you mean regex?
13:16: redaction.except[1].regex: regular expression: a "[" is not closed (character 1), got "["
14:7: redaction.except[2]: expected either "pattern" or "regex", got {}
15:3: redaction.patern: unknown key, did you mean patterns?
10 problems
`,
  );
});

test('names: of two patterns, of a pattern that comes with the agent, of none', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  const patterns = '[{ name: a, regex: x }, { name: a, regex: x }, { name: jwt, regex: x }]';
  work.configure(
    configuration(
      work,
      helper,
      `redaction: { patterns: ${patterns}, except: [{ pattern: no_such }, { pattern: a }] }\n`,
    ),
  );
  const { code, stderr } = await command('check', '--config', work.configFile);
  t.is(code, 3);
  t.deepEqual(
    stderr
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/^.*?:\d+:\d+: /, '')),
    [
      'redaction.patterns[1].name: another pattern has this name, got "a"',
      'redaction.patterns[2].name: another pattern has this name, got "jwt"',
      'redaction.except[0].pattern: expected the name of a pattern, got "no_such"',
      '3 problems',
    ],
  );
});
