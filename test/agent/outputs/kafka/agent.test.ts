import test, { type ExecutionContext } from 'ava';
import { FakeHelper } from '../../../support/fake-helper.ts';
import { KafkaBroker } from '../../../support/kafka/broker.ts';
import { problemsOf } from '../../delivery/seal/check.ts';
import { Workplace } from '../../support/agent-process.ts';
import { killUnderLoad, load } from '../../support/load.ts';
import { numberAfter, read, start } from '../../support/outputs.ts';

const config = (helper: FakeHelper, broker: KafkaBroker, local: string): string =>
  `source: { socket: ${helper.socketPath} }
outputs:
  - { name: bus, type: kafka, brokers: ["${broker.address}"], topic: events, compression: zstd, batch: { max_age: 20ms, max_events: 200 } }
  - { name: local, type: file, path: ${local} }
`;

const firsts = (seqs: readonly unknown[]): unknown[] => [...new Set(seqs)];
/** Everything is there, first in order; the seals say so too, and each record has the number of its own as a header. */
function assertWhole(t: ExecutionContext, { events, seqs, stored }: KafkaBroker, last: number): void {
  t.deepEqual(firsts(seqs), upTo(last));
  t.deepEqual(
    problemsOf(
      stored.map(({ value }) => value),
      () => false,
    ),
    [],
  );
  t.deepEqual(
    stored.map(({ headers }) => Object.fromEntries(headers)['seal']),
    events.map(({ seal }) => (seal === undefined ? undefined : String(seal))),
  );
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);

test.serial(
  'a broker that is killed under load has every event, in order, when it is back; no other output waits',
  async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    await using broker = await new KafkaBroker().listen();
    const local = work.path('local');
    await using agent = await start(work, config(helper, broker, local));
    await agent.until(() => agent.countOf('HelperConnected') === 1);
    await load(helper, 1, 1000, 2000);
    await agent.until(() => broker.stored.length > 0);
    await broker.stop();
    await load(helper, 1001, 4000, 2000);
    t.true(numberAfter(read(local)) > 3000, 'the file got what came while the broker was dead');
    await agent.until(() => agent.countOf('OutputFailed') > 0);
    await broker.listen();
    await load(helper, 4001, 5000, 2000);
    await agent.until(() => broker.seqs.includes(5000));
    t.is(await agent.end(), 0);
    assertWhole(t, broker, 5000);
    t.is(numberAfter(read(local)), 5001);
    t.true(agent.countOf('OutputRecovered') > 0);
  },
);

test.serial(
  'with a spool, neither a broker that is away nor kill -9 of the agent loses an event or its order',
  async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    await using broker = await new KafkaBroker().listen();
    const text = `spool: { folder: ${work.path('spool')} }\n${config(helper, broker, work.path('local'))}`;
    const sent = await killUnderLoad(work, text, helper, broker, 4);
    await using agent = await start(work, text);
    await agent.until(() => broker.seqs.includes(sent));
    t.is(await agent.end(), 0);
    assertWhole(t, broker, sent);
    t.true(broker.events.some(({ type }) => type === 'seal'));
    t.true(broker.stored.length - sent <= 4 * 2 * 200, `${broker.stored.length - sent} twice`);
  },
);
