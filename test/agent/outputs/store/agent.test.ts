import { writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { listPartitions } from '../../../../agent/store/files.ts';
import { execEvent, FakeHelper, gapEvent } from '../../../support/fake-helper.ts';
import { AgentProcess, Workplace } from '../../support/agent-process.ts';
import { randomOf } from '../../support/random.ts';
import { linesOf, read } from '../../support/outputs.ts';

/** Every line of a store, in the order in which it was stored; read by SQLite alone. */
function linesIn(folder: string): string[] {
  return listPartitions(folder).flatMap(({ path }) => {
    const db = new DatabaseSync(path, { readOnly: true });
    try {
      return db
        .prepare('SELECT line FROM lines ORDER BY id')
        .all()
        .map(({ line }) => line as string);
    } finally {
      db.close();
    }
  });
}

const eventsIn = (folder: string): { type: string; seq?: number }[] =>
  linesIn(folder).map((line) => JSON.parse(line) as { type: string });

const numbersIn = (folder: string): number[] => {
  try {
    return eventsIn(folder).flatMap(({ seq }) => (seq === undefined ? [] : [seq]));
  } catch {
    // Not made yet, or closed at this moment.
    return [];
  }
};

const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);

const numbersInFile = ({ work }: Scene): number[] =>
  linesOf(read(work.path('events.jsonl'))).flatMap((line) => (JSON.parse(line) as { seq?: number }).seq ?? []);

class Scene implements AsyncDisposable {
  readonly work = new Workplace();
  readonly folder = this.work.path('store');
  readonly helper: FakeHelper;

  constructor(helper: FakeHelper) {
    this.helper = helper;
  }

  start(): AgentProcess {
    this.configure();
    return new AgentProcess(['run', '--config', this.work.configFile]);
  }

  configure(maxAge = '30d'): void {
    this.work.configure(
      `source: { socket: ${this.helper.socketPath} }\nstore: { folder: ${this.folder}, max_bytes: 256MiB, max_age: ${maxAge} }\noutputs:\n  - { name: local, type: file, path: ${this.work.path('events.jsonl')} }\n`,
    );
  }

  /** Sends as many events as the helper has not sent yet. */
  sendUpTo(last: number): void {
    const first = this.helper.hello.last_seq + 1;
    this.helper.hello = { ...this.helper.hello, last_seq: last };
    this.helper.send(...Array.from({ length: last - first + 1 }, (_, i) => execEvent(first + i)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.helper[Symbol.asyncDispose]();
    this.work[Symbol.dispose]();
  }
}

/** Asserts that `verify` finds every line of the store, and every event that its seals tell of. */
async function assertComplete(t: ExecutionContext, { work, folder }: Scene): Promise<void> {
  const lines = work.path('lines');
  writeFileSync(
    lines,
    linesIn(folder)
      .map((line) => `${line}\n`)
      .join(''),
  );
  await using verify = new AgentProcess(['verify', '--whole', '--json', lines]);
  t.is((await verify.exited).code, 0, verify.stdout);
}

const scene = async (): Promise<Scene> => new Scene(await new FakeHelper().listen());

test('events, gaps and seals are in the store beside the outputs, once, over a restart; and the seals hold', async (t) => {
  await using place = await scene();
  place.sendUpTo(500);
  {
    await using agent = place.start();
    await agent.until(() => numbersIn(place.folder).length === 500);
    t.is(await agent.end(), 0, agent.stderr);
  }
  place.helper.send(gapEvent(501, 510));
  place.helper.hello = { ...place.helper.hello, last_seq: 510 };
  place.sendUpTo(900);
  await using agent = place.start();
  await agent.until(() => numbersIn(place.folder).length === 890);
  t.is(await agent.end(), 0, agent.stderr);
  const events = eventsIn(place.folder);
  t.deepEqual(
    numbersIn(place.folder),
    upTo(900).filter((number) => number <= 500 || number > 510),
  );
  t.is(events.filter(({ type }) => type === 'gap').length, 1);
  t.true(events.filter(({ type }) => type === 'seal').length >= 2);
  t.is(numbersInFile(place).length, 890, 'the other output has them too');
  await assertComplete(t, place);
});

test('a reload with other keys goes on in the same store', async (t) => {
  await using place = await scene();
  await using agent = place.start();
  await agent.until(() => agent.countOf('HelperConnected') > 0);
  place.sendUpTo(300);
  place.configure('1h');
  agent.child.kill('SIGHUP');
  await agent.until(() => agent.countOf('ConfigReloaded') === 1);
  place.sendUpTo(600);
  await agent.until(() => numbersIn(place.folder).at(-1) === 600);
  t.is(await agent.end(), 0, agent.stderr);
  t.deepEqual(numbersIn(place.folder), upTo(600));
  t.is(agent.events.filter(({ event, output }) => event === 'OutputOpened' && output === 'store').length, 2);
});

test('SIGKILL at any moment neither loses an event, nor stores one twice, nor damages a file', async (t) => {
  await using place = await scene();
  const next = randomOf(16);
  let last = 0;
  let damaged = '';
  for (let life = 0; life < 15; life++) {
    const agent = place.start();
    await agent.until(() => agent.countOf('HelperConnected') > 0);
    for (const ends = performance.now() + next(500); performance.now() < ends;) {
      place.sendUpTo((last += 50 + next(200)));
      await delay(next(30));
    }
    agent.child.kill('SIGKILL');
    await agent.exited;
    damaged += agent.countOf('StoreDamaged') > 0 ? agent.stderr : '';
  }
  await using agent = place.start();
  await agent.until(() => numbersIn(place.folder).at(-1) === last);
  t.is(await agent.end(), 0, agent.stderr);
  t.is(damaged + (agent.countOf('StoreDamaged') > 0 ? agent.stderr : ''), '');
  t.deepEqual(numbersIn(place.folder), upTo(last));
  for (const { path } of listPartitions(place.folder)) {
    const db = new DatabaseSync(path);
    t.deepEqual(Object.values(db.prepare('PRAGMA integrity_check').get()!), ['ok']);
    t.notThrows(() => db.exec("INSERT INTO words(words) VALUES ('integrity-check')"));
    db.close();
  }
  await assertComplete(t, place);
});

test('a store that cannot be opened stops the start, and says what to do', async (t) => {
  await using place = await scene();
  writeFileSync(place.folder, 'no folder');
  const agent = place.start();
  const { code } = await agent.exited;
  t.is(code, 4);
  t.true(agent.stderr.includes(`${place.folder} is not a folder`), agent.stderr);
});
