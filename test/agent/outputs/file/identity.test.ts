import test from 'ava';
import { misfit } from '../../../support/event-schema.ts';
import { execEvent, FakeHelper, gapEvent } from '../../../support/fake-helper.ts';
import { problemsOf } from '../../delivery/seal/check.ts';
import { Workplace } from '../../support/agent-process.ts';
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
