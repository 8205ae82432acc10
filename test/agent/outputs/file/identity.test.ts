import { writeFileSync } from 'node:fs';
import test from 'ava';
import { factsOf } from '../../../../agent/formats/line-facts.ts';
import { misfit } from '../../../support/event-schema.ts';
import { execEvent, FakeHelper, gapEvent } from '../../../support/fake-helper.ts';
import { problemsOf } from '../../delivery/seal/check.ts';
import { Workplace } from '../../support/agent-process.ts';
import { agent as runCommand } from '../../support/run.ts';
import { killed, linesOf, read, start, summaryOf, toFile } from '../../support/outputs.ts';

test.serial(
  'with identity, a file says on each line who it is from, and goes on where it was after a restart',
  async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    const path = work.path('log');
    const config = toFile(helper, path, ', identity: true');
    {
      await using agent = await start(work, config);
      await agent.until(() => agent.countOf('HelperConnected') === 1);
      helper.send(execEvent(1), gapEvent(2, 4), execEvent(5));
      await agent.until(() => linesOf(read(path)).length === 3);
      await killed(agent);
    }
    helper.hello.last_seq = 6;
    helper.backlog.push(JSON.stringify(execEvent(6)));
    await using agent = await start(work, config);
    await agent.until(() => linesOf(read(path)).length === 4);
    t.is(await agent.end(), 0);
    t.is(summaryOf(read(path)), '1 [2-4 ring ring_full] 5 6 seal');
    t.deepEqual(problemsOf(linesOf(read(path))), []);
    for (const line of linesOf(read(path))) {
      const event = JSON.parse(line) as object;
      t.like(event, { boot_id: helper.hello.boot_id, stream: 'local', schema_version: 1, seal: 1 });
      t.is(misfit(event), undefined);
    }
  },
);

/** The verdict of `probes-agent verify` on a file. */
async function verdictOf(
  path: string,
): Promise<{ complete: boolean; problems: unknown[]; notes: unknown[]; faults: object }> {
  const { stdout } = await runCommand('verify', path);
  const { complete, faults, streams } = JSON.parse(stdout) as {
    complete: boolean;
    faults: object;
    streams: { problems: unknown[]; notes: unknown[] }[];
  };
  return {
    complete,
    faults,
    problems: streams.flatMap(({ problems }) => problems),
    notes: streams.flatMap(({ notes }) => notes),
  };
}

const FORMATS = [
  ['ecs', 'ecs'],
  ['ocsf', 'ocsf'],
  ['native, identity: true', 'ecs'],
  ['ecs', 'ocsf'],
] as const;

for (const [before, after] of FORMATS)
  test.serial(`format ${before}, killed, then ${after}: each number once, and the seals of both verify`, async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    const path = work.path('log');
    {
      await using agent = await start(work, toFile(helper, path, `, format: ${before}`));
      await agent.until(() => agent.countOf('HelperConnected') === 1);
      helper.send(execEvent(1), gapEvent(2, 4), execEvent(5));
      await agent.until(() => linesOf(read(path)).length === 3);
      t.is(await agent.end(), 0);
    }
    const sealed = linesOf(read(path)).length;
    helper.backlog.push(...[1, 5].map((seq) => JSON.stringify(execEvent(seq))), JSON.stringify(execEvent(6)));
    helper.hello.last_seq = 6;
    {
      await using agent = await start(work, toFile(helper, path, `, format: ${before}`));
      await agent.until(() => linesOf(read(path)).length === sealed + 1);
      await killed(agent);
    }
    helper.backlog.push(JSON.stringify(execEvent(7)));
    helper.hello.last_seq = 7;
    await using agent = await start(work, toFile(helper, path, `, format: ${after}`));
    await agent.until(() => linesOf(read(path)).length === sealed + 2);
    t.is(await agent.end(), 0);
    const facts = linesOf(read(path)).map((line) => factsOf(line)!);
    t.deepEqual(
      facts.map(({ type, first, last, seal }) => [type, first, last, seal]),
      [
        ['exec', 1, 1, 1],
        ['gap', 2, 4, 1],
        ['exec', 5, 5, 1],
        ['seal', -1, -1, 1],
        ['exec', 6, 6, 2],
        ['exec', 7, 7, 2],
        ['seal', -1, -1, 2],
      ],
    );
    t.is(agent.countOf('PositionUnknown'), 0);
    t.deepEqual(await verdictOf(path), { complete: true, faults: {}, problems: [], notes: [] });
    const lines = linesOf(read(path));
    writeFileSync(path, `${lines.toSpliced(4, 1).join('\n')}\n`);
    t.false((await verdictOf(path)).complete, 'a line that is missing is missed');
    writeFileSync(path, `${lines.map((line) => line.replace('/usr/bin/', '/usr/bit/')).join('\n')}\n`);
    t.false((await verdictOf(path)).complete, 'a line that was changed is noticed');
  });
