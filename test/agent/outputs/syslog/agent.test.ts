import test from 'ava';
import { execEvent, FakeHelper } from '../../../support/fake-helper.ts';
import { Workplace } from '../../support/agent-process.ts';
import { load } from '../../support/load.ts';
import { numberAfter, read, start } from '../../support/outputs.ts';
import { RelpReceiver, StreamReceiver } from './support.ts';

const config = (helper: FakeHelper, outputs: string): string =>
  `source: { socket: ${helper.socketPath} }\noutputs:\n${outputs}`;

test.serial(
  'a RELP receiver that is killed under load and comes back has every event, in order, and other outputs never waited',
  async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    await using receiver = await new RelpReceiver().listen();
    const local = work.path('local');
    await using agent = await start(
      work,
      config(
        helper,
        `  - { name: soc, type: syslog, transport: relp, address: "${receiver.address}", batch: { max_age: 50ms } }\n  - { name: local, type: file, path: ${local} }\n`,
      ),
    );
    await agent.until(() => agent.countOf('HelperConnected') === 1);
    await load(helper, 1, 2000);
    await agent.until(() => receiver.messages.length > 0);
    await receiver.stop();
    await load(helper, 2001, 5000);
    t.true(numberAfter(read(local)) > 4500, 'the file got what came while the receiver was dead');
    await agent.until(() => agent.countOf('OutputFailed') > 0);
    await receiver.listen();
    await load(helper, 5001, 6000);
    await agent.until(() => receiver.numbers.at(-1) === 6000);
    t.is(await agent.end(), 0);
    t.deepEqual(
      [...new Set(receiver.numbers)],
      Array.from({ length: 6000 }, (_, i) => i + 1),
    );
    t.true(receiver.messages.length - 6000 <= 128, 'only what was not answered comes twice');
    t.is(numberAfter(read(local)), 6001);
    t.true(agent.countOf('OutputRecovered') > 0);
  },
);

test.serial('what a RELP receiver refuses becomes a gap in its stream, and is in the dead letters', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using receiver = await new RelpReceiver().listen();
  receiver.answer = ({ data, reply }) => reply(data.includes('"seq":3,') ? '500 no' : '200 OK');
  await using agent = await start(
    work,
    config(
      helper,
      `  - { name: soc, type: syslog, transport: relp, address: "${receiver.address}", dead_letter: { path: ${work.path('dead')} } }\n`,
    ),
  );
  await agent.until(() => agent.countOf('HelperConnected') === 1);
  helper.send(...[1, 2, 3, 4, 5].map((seq) => execEvent(seq)));
  await agent.until(() => receiver.numbers.includes('3-3') && receiver.numbers.includes(5));
  t.is(await agent.end(), 0);
  t.deepEqual(new Set(receiver.numbers), new Set([1, 2, 4, 5, '3-3']));
  t.regex(
    receiver.messages.find((message) => message.includes('"type":"gap"'))!,
    /^<28>1 .*"cause":"rejected"/u,
  );
  t.is((JSON.parse(read(work.path('dead'))) as { event: { seq: number } }).event.seq, 3);
});

test.serial('an agent that ends has handed a receiver over TCP all that it had', async (t) => {
  using work = new Workplace();
  await using helper = await new FakeHelper().listen();
  await using receiver = await new StreamReceiver().listen();
  await using agent = await start(
    work,
    config(
      helper,
      `  - { name: soc, type: syslog, transport: tcp, address: "${receiver.address}", facility: local4 }\n`,
    ),
  );
  await agent.until(() => agent.countOf('HelperConnected') === 1);
  t.is(agent.countOf('OutputUnacknowledged'), 1);
  helper.send(...Array.from({ length: 3000 }, (_, i) => execEvent(i + 1)));
  await agent.until(() => receiver.messages.length > 0);
  t.is(await agent.end(), 0);
  t.deepEqual(
    receiver.numbers,
    Array.from({ length: 3000 }, (_, i) => i + 1),
  );
  t.regex(receiver.messages[0]!, /^<166>1 /u);
});
