import test from 'ava';
import fc from 'fast-check';
import { itemOf, NO_NUMBER, seqOf, type StreamEvent } from '../../../agent/events/item.ts';
import { formatOf } from '../../../agent/formats/choice.ts';
import type { FormatContext } from '../../../agent/formats/format.ts';
import { factsOf } from '../../../agent/formats/line-facts.ts';
import { rulesIn, sealIn, timeIn, typeIn } from '../../../agent/formats/line-fields.ts';
import { recordsOf } from '../../../agent/outputs/kafka/records.ts';
import { recordId } from '../../../agent/outputs/network/record-id.ts';
import { Headers } from '../../../agent/outputs/syslog/message.ts';
import { batchOf } from '../support/batches.ts';
import { anyEvent, GOLDEN, RUNS } from './support/events.ts';

const NAMES = ['native', 'ecs', 'ocsf'] as const;
const IDENTITY = { hostId: 'a'.repeat(32), host: '"seal":{"number":9', stream: '"action":"x"' };
const formats = new Map(await Promise.all(NAMES.map(async (name) => [name, await formatOf(name, IDENTITY)] as const)));

function lineOf(name: (typeof NAMES)[number], event: StreamEvent, context: FormatContext): Buffer {
  const line = formats.get(name)!.encode(itemOf(event), context);
  return Buffer.concat([...(typeof line === 'string' ? [Buffer.from(line)] : line), Buffer.from('\n')]);
}

const SEALED = { bootId: 'boot', seal: 41 };

/** The object that a reader of the native line gets. */
function truth(event: StreamEvent) {
  const { type, time, rules } = event as unknown as Record<string, unknown>;
  return { type, time: typeof time === 'string' ? time : '', rules: Array.isArray(rules) ? rules : undefined };
}

for (const name of NAMES) {
  test(`${name}: type, time, seal and rules are found without a parser, whatever an event holds`, (t) => {
    const look = (event: StreamEvent, context: FormatContext): void => {
      const line = lineOf(name, event, context);
      const { type, time, rules } = truth(event);
      t.is(typeIn(line), type as string);
      // An event without a time has 1970 in the formats that cannot be without one.
      if (time !== '') t.is(timeIn(line), time);
      t.is(sealIn(line), context.seal === undefined ? undefined : String(context.seal));
      if (type === 'exec' && rules !== undefined) t.deepEqual(rulesIn(line), rules);
    };
    for (const { event } of GOLDEN) for (const context of [SEALED, { bootId: undefined }]) look(event, context);
    fc.assert(
      fc.property(
        anyEvent.filter((event) => event.type !== '' && !('seal' in event)),
        (event) => look(event, SEALED),
      ),
      { numRuns: RUNS, seed: 17 },
    );
  });

  test(`${name}: a line says which numbers it stands for, and which seal covers it`, (t) => {
    const isOurs = ({ type }: StreamEvent): boolean => !['', 'fork', 'dns'].includes(type);
    fc.assert(
      fc.property(anyEvent.filter(isOurs), (event) => {
        const line = lineOf(name, event, SEALED).toString();
        const { type, first, last, count, to } = event as unknown as Record<string, number> & { type: string };
        const number = seqOf(event) ?? NO_NUMBER;
        t.deepEqual(factsOf(line), {
          type,
          bootId: 'boot',
          seal: 41,
          first: type === 'gap' ? first! : number,
          last: type === 'gap' ? last! : number,
          gapCount: type === 'gap' ? count! : 0,
          sealedTo: type === 'seal' ? to! : NO_NUMBER,
        });
      }),
      { numRuns: RUNS, seed: 18 },
    );
  });
}

test('lines of others are none of ours', (t) => {
  for (const line of [
    'text',
    '7',
    '{}',
    '{"event":{"action":"exec","sequence":5},"host":{}}',
    '{"class_uid":1007,"metadata":{"sequence":5}}',
    '{"type":"exec","seq":1000000}',
    '{"type":"gap","first":"x","last":5}',
    '{"type":"later","seq":1.5}',
  ])
    t.is(factsOf(line), undefined, line);
});

test('the same event has the same place at a receiver in every format: MSGID, severity, Nats-Msg-Id, headers', (t) => {
  const headers = new Headers('walrus', 3);
  for (const { title, event } of GOLDEN) {
    const item = itemOf(event);
    const places = NAMES.map((name) => {
      const line = lineOf(name, event, SEALED);
      const batch = { ...batchOf('boot', [item]), lines: line, endOf: () => line.length };
      const isNumbered = item.first !== NO_NUMBER && item.gap === undefined;
      const [record] = recordsOf(batch);
      return {
        header: 'time' in event ? headers.of(line).toString() : undefined,
        id: isNumbered ? recordId(batch, 0, line, typeIn(line), IDENTITY) : undefined,
        headers: record!.headers,
      };
    });
    // Rules that are none make a line that has to be parsed, and are nobody's severity.
    t.deepEqual(places[1], places[0], title);
    t.deepEqual(places[2], places[0], title);
  }
});
