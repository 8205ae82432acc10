import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { statePathOf } from '../../../agent/outputs/file/state-file.ts';
import { execEvent, FakeHelper, gapEvent } from '../../support/fake-helper.ts';
import { AgentProcess, Workplace } from '../support/agent-process.ts';
import { summary, toItem } from '../support/items.ts';
import { wholeLines } from '../../support/lines.ts';

const eventsIn = (file: string): Array<Record<string, unknown>> =>
  wholeLines(readFileSync(file, 'utf8')).map((line) => JSON.parse(line) as Record<string, unknown>);
const summaryOf = (file: string): string => summary(eventsIn(file).map(toItem));

const NOISE =
  'filters: [{ name: compilers, detection: { tool: { "Image|endswith": /cc1 }, condition: tool }, action: drop }]\n';
const compiler = (seq: number): object => execEvent(seq, { exe: '/usr/lib/gcc/cc1' });
const miner = (seq: number, overrides = {}): object => execEvent(seq, { exe: '/tmp/xmrig', ...overrides });

const rule = (name: string, image: string, more = ''): string =>
  `title: ${name}\nid: ${name}\nauthor: Ada\nlevel: high\ntags: [attack.impact]\n${more}logsource: { category: process_creation }\ndetection: { a: { Image: ${image} }, condition: a }\n`;

class Setting extends Workplace {
  readonly rules = this.path('rules');
  readonly all = this.path('all.jsonl');
  readonly alerts = this.path('alerts.jsonl');

  readonly socketPath: string;

  constructor(socketPath: string) {
    super();
    this.socketPath = socketPath;
    mkdirSync(this.rules);
    this.write('miner.yml', rule('miner', '/tmp/xmrig'));
  }

  write(name: string, text: string): void {
    // As editors do it: a file that is half written is never seen under its name.
    writeFileSync(this.path('fresh'), text);
    renameSync(this.path('fresh'), `${this.rules}/${name}`);
  }

  config({ filters = '', more = '', folder = this.rules } = {}): string {
    return `source: { socket: ${this.socketPath} }
${filters}rules: { builtin: false, folders: [${folder}]${more} }
outputs:
  - { name: all, type: file, path: ${this.all} }
  - { name: alerts, type: file, path: ${this.alerts}, events: alerts }
`;
  }

  start(text = this.config()): AgentProcess {
    this.configure(text);
    return new AgentProcess(['run', '--config', this.configFile]);
  }
}

const written = (file: string, count: number) => (): boolean => {
  try {
    return wholeLines(readFileSync(file, 'utf8')).length >= count;
  } catch {
    return false;
  }
};

test.serial(
  'an event that rules match has them with it, in every output; an output for alerts gets those and gaps',
  async (t) => {
    await using helper = await new FakeHelper().listen();
    using set = new Setting(helper.socketPath);
    helper.send(execEvent(1), miner(2), gapEvent(3, 9), { type: 'exit', seq: 10 }, execEvent(11));
    await using agent = set.start();
    await agent.until(written(set.all, 5));
    t.is(await agent.end(), 0);
    t.is(summaryOf(set.all), '1 2 [3-9 ring ring_full] [10-10 pipe unreadable] 11');
    t.is(summaryOf(set.alerts), '2 [3-9 ring ring_full] [10-10 pipe unreadable]');
    const [alert] = eventsIn(set.alerts);
    t.deepEqual(alert!['rules'], [
      { id: 'miner', title: 'miner', level: 'high', author: 'Ada', tags: ['attack.impact'] },
    ]);
    t.deepEqual(alert, eventsIn(set.all)[1]);
    t.is(alert!['entity_id'], '5a0c81a2-2b5e-4f0f-9d4c-3a7f8f1f5e11/1002/7301999120');
    t.like(
      agent.events.find(({ event }) => event === 'RulesLoaded'),
      { rules: 1, refused: 0, level: 'info' },
    );
    t.like(
      agent.events.find(({ event }) => event === 'EventsJudged'),
      { judged: 3, dropped: 0, alerts: 1, rules: { miner: 1 } },
    );
  },
);

test.serial(
  'what a filter drops is in no output, is counted, and is no hole: not now, not after a restart',
  async (t) => {
    await using helper = await new FakeHelper().listen();
    using set = new Setting(helper.socketPath);
    helper.send(execEvent(1), compiler(2), compiler(3), execEvent(4), compiler(5), compiler(6));
    helper.hello.last_seq = 6;
    const first = set.start(set.config({ filters: NOISE }));
    await first.until(written(set.all, 2));
    t.is(await first.end(), 0);
    t.like(
      first.events.find(({ event }) => event === 'EventsJudged'),
      { judged: 6, dropped: 4, filters: { compilers: 4 } },
    );
    // The helper holds nothing any more of what was dropped at the end, nor of what was no alert.
    helper.backlog = [JSON.stringify(compiler(7)), JSON.stringify(execEvent(8))];
    Object.assign(helper.hello, { last_seq: 8, oldest_held_seq: 7 });
    await using second = set.start();
    await second.until(written(set.all, 3));
    helper.send(miner(9));
    await second.until(written(set.alerts, 1));
    await second.end();
    t.is(summaryOf(set.all), '1 4 7 8 9', 'the filter is gone from the second configuration');
    t.is(summaryOf(set.alerts), '9');
    t.is(second.countOf('EventsMissing'), 0);
  },
);

test.serial('an agent that is killed remembers how far it had judged', async (t) => {
  await using helper = await new FakeHelper().listen();
  using set = new Setting(helper.socketPath);
  helper.send(execEvent(1), execEvent(2));
  helper.hello.last_seq = 2;
  const first = set.start();
  await first.until(written(set.all, 2));
  await first.until(() => written(statePathOf(set.alerts), 1)());
  await first.end('SIGKILL');
  helper.backlog = [JSON.stringify(miner(3))];
  Object.assign(helper.hello, { last_seq: 3, oldest_held_seq: 3 });
  await using second = set.start();
  await second.until(written(set.alerts, 1));
  await second.end();
  t.is(summaryOf(set.alerts), '3');
  t.is(summaryOf(set.all), '1 2 3');
});

test.serial('one rule with a mistake keeps no other from working, and the log says what is wrong', async (t) => {
  await using helper = await new FakeHelper().listen();
  using set = new Setting(helper.socketPath);
  set.write('bad.yml', rule('bad', '/x').replace('Image:', 'Image|endwith:'));
  helper.send(miner(1));
  await using agent = set.start();
  await agent.until(written(set.alerts, 1));
  t.like(
    agent.events.find(({ event }) => event === 'RulesLoaded'),
    { rules: 1, refused: 1 },
  );
  t.deepEqual(agent.events.find(({ event }) => event === 'RuleRefused')!['problems'], [
    `${set.rules}/bad.yml:7:19: detection.a.Image|endwith: unknown modifier "endwith", did you mean "endswith"?`,
  ]);
  await agent.end();
});

test.serial(
  'a rule that is written while the agent runs works a moment later; one that breaks leaves the old ones in force',
  async (t) => {
    await using helper = await new FakeHelper().listen();
    using set = new Setting(helper.socketPath);
    await using agent = set.start();
    await agent.until(() => agent.countOf('HelperConnected') === 1);
    set.write('door.yml', rule('door', '/tmp/door'));
    await agent.until(() => agent.countOf('RulesLoaded') === 2);
    helper.send(execEvent(1, { exe: '/tmp/door' }));
    await agent.until(written(set.alerts, 1));
    set.write('door.yml', rule('door', '/tmp/door').replace('condition: a', 'condition: b'));
    await agent.until(() => agent.countOf('RulesRefused') === 1);
    t.regex(
      String((agent.events.find(({ event }) => event === 'RulesRefused')!['problems'] as string[])[0]),
      /door\.yml:7:\d+: detection\.condition: unknown search identifier "b"/,
    );
    helper.send(execEvent(2, { exe: '/tmp/door' }), miner(3));
    await agent.until(written(set.alerts, 3));
    rmSync(`${set.rules}/door.yml`);
    await agent.until(() => agent.countOf('RulesLoaded') === 3);
    helper.send(execEvent(4, { exe: '/tmp/door' }), miner(5));
    await agent.until(written(set.alerts, 4));
    await agent.end();
    t.is(summaryOf(set.alerts), '1 2 3 5');
    t.is(summaryOf(set.all), '1 2 3 4 5');
  },
);

test.serial(
  'a folder of rules inside another is watched as well, and one that goes and comes back is found again',
  async (t) => {
    await using helper = await new FakeHelper().listen();
    using set = new Setting(helper.socketPath);
    mkdirSync(`${set.rules}/inner`);
    await using agent = set.start();
    await agent.until(() => agent.countOf('HelperConnected') === 1);
    set.write('inner/door.yml', rule('door', '/tmp/door'));
    await agent.until(() => agent.countOf('RulesLoaded') === 2);
    renameSync(set.rules, set.path('elsewhere'));
    await agent.until(() => agent.countOf('RulesRefused') === 1);
    helper.send(miner(1));
    await agent.until(written(set.alerts, 1));
    renameSync(set.path('elsewhere'), set.rules);
    await delay(6000);
    set.write('third.yml', rule('third', '/tmp/third'));
    await agent.until(() => agent.countOf('RulesLoaded') === 3);
    helper.send(execEvent(2, { exe: '/tmp/third' }));
    await agent.until(written(set.alerts, 2));
    await agent.end();
    t.is(summaryOf(set.alerts), '1 2');
  },
);

test.serial(
  'SIGHUP brings other filters and rules into force together; a folder that is missing changes nothing',
  async (t) => {
    await using helper = await new FakeHelper().listen();
    using set = new Setting(helper.socketPath);
    await using agent = set.start();
    await agent.until(() => agent.countOf('HelperConnected') === 1);
    set.configure(set.config({ filters: NOISE, folder: '/no/such/folder' }));
    agent.child.kill('SIGHUP');
    await agent.until(() => agent.countOf('ConfigRefused') === 1);
    t.deepEqual(agent.events.find(({ event }) => event === 'ConfigRefused')!['problems'], [
      `${set.configFile}:3:36: rules.folders[0]: there is no folder /no/such/folder; create it, or remove it from the list`,
    ]);
    helper.send(compiler(1), miner(2));
    await agent.until(written(set.all, 2));
    set.configure(set.config({ filters: NOISE }));
    agent.child.kill('SIGHUP');
    await agent.until(() => agent.countOf('ConfigReloaded') === 1);
    helper.send(compiler(3), miner(4));
    await agent.until(written(set.all, 3));
    await agent.end();
    t.is(summaryOf(set.all), '1 2 4');
    t.is(summaryOf(set.alerts), '2 4');
  },
);

test.serial(
  'a folder that is missing at start ends the agent with status 3, and the place in the configuration',
  async (t) => {
    using set = new Setting('/run/no.sock');
    const agent = set.start(set.config({ folder: '/no/such/folder' }));
    t.is((await agent.exited).code, 3);
    t.true(
      agent.stderr.includes(
        `${set.configFile}:2:36: rules.folders[0]: there is no folder /no/such/folder; create it, or remove it from the list\nCONFIG_WRONG: 1 problem; nothing was started\n`,
      ),
      agent.stderr,
    );
  },
);

test.serial(
  'an alert that is suppressed is an event like others, and the next alert says how many there were',
  async (t) => {
    await using helper = await new FakeHelper().listen();
    using set = new Setting(helper.socketPath);
    await using agent = set.start(
      set.config({ more: ', suppress: [{ rules: [miner], report: once per 10m per CurrentDirectory }]' }),
    );
    const at = (seconds: number, seq: number, cwd: string) =>
      miner(seq, { cwd, timestamp: 1678886400 + seconds, time: new Date((1678886400 + seconds) * 1000).toISOString() });
    helper.send(at(0, 1, '/a'), at(1, 2, '/a'), at(2, 3, '/b'), at(599, 4, '/a'), at(600, 5, '/a'), at(601, 6, '/a'));
    await agent.until(written(set.all, 6));
    await agent.end();
    t.is(summaryOf(set.all), '1 2 3 4 5 6');
    t.deepEqual(
      eventsIn(set.alerts).map(({ seq, rules }) => [seq, (rules as Array<{ suppressed?: number }>)[0]!.suppressed]),
      [
        [1, undefined],
        [3, undefined],
        [5, 2],
      ],
    );
    t.deepEqual(agent.events.find(({ event }) => event === 'AlertsSuppressed')!['rules'], { miner: 1 });
    t.like(
      agent.events.find(({ event }) => event === 'EventsJudged'),
      { alerts: 3, suppressed: 3, rules: { miner: 6 } },
    );
  },
);

test.serial('after a restart, a replay of what was written tells the agent again whose child is whose', async (t) => {
  await using helper = await new FakeHelper().listen();
  using set = new Setting(helper.socketPath);
  set.write(
    'child.yml',
    rule('child', '/tmp/child').replace('Image: /tmp/child', 'ParentCommandLine: /usr/sbin/web --serve'),
  );
  const parent = { pid: 77, start_time: 500, exe: '/usr/sbin/web' };
  helper.send(
    execEvent(1, {
      pid: 77,
      start_time: 500,
      exe: '/usr/sbin/web',
      argv: ['/usr/sbin/web', '--serve'],
      source: 'snapshot',
    }),
  );
  helper.hello.last_seq = 1;
  const first = set.start();
  await first.until(written(set.all, 1));
  await first.end();
  await using second = set.start();
  await second.until(() => second.countOf('HelperConnected') === 1);
  await delay(200);
  helper.send(execEvent(2, { exe: '/bin/sh', parent }));
  await second.until(written(set.alerts, 1));
  await second.end();
  t.is(summaryOf(set.all), '1 2');
  const [alert] = eventsIn(set.alerts);
  t.deepEqual(alert!['ancestors'], [
    {
      pid: 77,
      entity_id: '5a0c81a2-2b5e-4f0f-9d4c-3a7f8f1f5e11/77/500',
      exe: '/usr/sbin/web',
      command_line: '/usr/sbin/web --serve',
    },
    { pid: 12001, entity_id: '5a0c81a2-2b5e-4f0f-9d4c-3a7f8f1f5e11/12001/7203340118', exe: '/usr/bin/bash' },
  ]);
});
