import { writeFileSync } from 'node:fs';
import test from 'ava';
import { FakeHelper } from '../../../support/fake-helper.ts';
import { Workplace } from '../../support/agent-process.ts';
import { killUnderLoad } from '../../support/load.ts';
import { start } from '../../support/outputs.ts';
import { agent as verify } from '../../support/run.ts';
import { StandIn } from './stand-in.ts';

test.serial(
  'through refusals, full queues, a receiver that is away and kill -9 of the agent, each event is there once or in a gap',
  async (t) => {
    using work = new Workplace();
    await using helper = await new FakeHelper().listen();
    await using receiver = (await new StandIn().listen()) as StandIn;
    const text = `spool: { folder: ${work.path('spool')} }
source: { socket: ${helper.socketPath} }
outputs:
  - name: soc
    type: elasticsearch
    url: "${receiver.address}"
    batch: { max_age: 20ms, max_events: 200 }
    dead_letter: { path: ${work.path('dead')} }
`;
    const seqOf = (source: object): number => (source as { event: { sequence: number } }).event.sequence;
    // One in 97 is never taken; one in 13 not at first.
    receiver.decide = ({ source }, attempt) => {
      const seq = seqOf(source);
      if (seq % 97 === 0) return [400, 'document_parsing_exception'];
      return seq % 13 === 0 && attempt === 1 ? [429, 'es_rejected_execution_exception'] : undefined;
    };
    const sent = await killUnderLoad(work, text, helper, receiver, 4);
    await using agent = await start(work, text);
    const expected = Array.from({ length: sent }, (_, i) => i + 1).filter((seq) => seq % 97 !== 0);
    const gapsHeld = () =>
      [...receiver.documents.values()]
        .map(({ source }) => (source['probes'] as { gap?: { first: number; last: number } }).gap)
        .filter((gap) => gap !== undefined);
    const refused = Math.floor(sent / 97);
    await agent.until(
      () =>
        new Set(receiver.numbers).isSupersetOf(new Set(expected)) &&
        new Set(gapsHeld().map(({ first }) => first)).size === refused,
    );
    t.is(await agent.end(), 0);
    const held = receiver.numbers.filter((number) => typeof number === 'number');
    t.is(new Set(held).size, held.length, 'none twice, whatever was sent again');
    t.deepEqual(
      held.toSorted((x, y) => x - y),
      expected,
    );
    const sources = [...receiver.documents.values()].map(({ source }) => source);
    t.deepEqual(
      [...new Set(gapsHeld().map(({ first, last }) => `${first}-${last}`))].toSorted(
        (a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10),
      ),
      Array.from({ length: refused }, (_, i) => `${(i + 1) * 97}-${(i + 1) * 97}`),
    );
    writeFileSync(work.path('held'), sources.map((source) => `${JSON.stringify(source)}\n`).join(''));
    const { code, stdout, stderr } = await verify('verify', work.path('held'));
    t.is(code, 0, stdout + stderr);
  },
);
