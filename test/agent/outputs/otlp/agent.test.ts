import test from 'ava';
import { execEvent, FakeHelper } from '../../../support/fake-helper.ts';
import { OtlpReceiver, rejecting, seenIn } from '../../../support/otlp/receiver.ts';
import { problemsOf } from '../../delivery/seal/check.ts';
import { Workplace } from '../../support/agent-process.ts';
import { killUnderLoad } from '../../support/load.ts';
import { start } from '../../support/outputs.ts';

const configuration = (work: Workplace, helper: FakeHelper, { url }: OtlpReceiver, more = ''): string =>
  `source: { socket: ${helper.socketPath} }\nspool: { folder: ${work.path('spool')} }\noutputs:\n` +
  `  - { name: soc, type: otlp, url: "${url}", batch: { max_age: 20ms, max_events: 200 }${more} }\n`;

/** The lines that the receiver took, as they came. */
const bodiesIn = (receiver: OtlpReceiver): string[] =>
  receiver.requests.flatMap((request) => seenIn(request).records.map(({ body }) => body));

for (const encoding of ['protobuf', 'json'] as const)
  test.serial(
    `${encoding}: neither a receiver that is away nor kill -9 of the agent loses an event, and the seals hold`,
    async (t) => {
      using work = new Workplace();
      await using helper = await new FakeHelper().listen();
      await using receiver = await new OtlpReceiver().listen();
      const text = configuration(work, helper, receiver, `, encoding: ${encoding}, compression: gzip`);
      const sent = await killUnderLoad(work, text, helper, receiver, 4);
      await using agent = await start(work, text);
      await agent.until(() => receiver.seqs.includes(sent));
      t.is(await agent.end(), 0);
      t.deepEqual(
        [...new Set(receiver.seqs)],
        Array.from({ length: sent }, (_, i) => i + 1),
      );
      t.deepEqual(
        problemsOf(bodiesIn(receiver), () => false),
        [],
      );
    },
  );

test.serial(
  'events that the receiver rejects become gaps in its stream, and the seals count them as such',
  async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    await using receiver = await new OtlpReceiver().listen();
    const bad = [7, 8, 30];
    receiver.answer = rejecting(({ seq }) => bad.includes(seq as number));
    await using agent = await start(work, configuration(work, helper, receiver));
    await agent.until(() => agent.countOf('HelperConnected') === 1);
    helper.send(...Array.from({ length: 50 }, (_, i) => execEvent(i + 1)));
    await agent.until(() => receiver.seqs.includes(50));
    await agent.until(() => receiver.events.filter(({ type }) => type === 'gap').length >= 2);
    t.is(await agent.end(), 0);
    const seqs = new Set(receiver.events.map(({ seq }) => seq));
    t.deepEqual(
      bad.filter((seq) => seqs.has(seq)),
      [],
    );
    const gaps = receiver.events.filter(({ type }) => type === 'gap');
    t.true(gaps.every(({ hop, cause }) => hop === 'output' && cause === 'rejected'));
    for (const seq of bad) t.true(gaps.some(({ first, last }) => Number(first) <= seq && seq <= Number(last)));
    t.true(agent.countOf('EventsRefused') > 0);
    t.true(receiver.events.some(({ type, gap }) => type === 'seal' && Number(gap) > 0));
  },
);
