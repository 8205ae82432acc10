import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { Identified } from '../../agent/formats/identified.ts';
import { sealOf, SEAL_EXAMPLE } from '../../agent/events/seal.ts';
import { itemOf, type StreamEvent } from '../../agent/events/item.ts';
import { EXEC_EXAMPLE, EXEC_FAILED_EXAMPLE } from '../../shared/events/exec.ts';
import { FORK_EXAMPLE } from '../../shared/events/fork.ts';
import { EXIT_EXAMPLE } from '../../shared/events/exit.ts';
import { EventError } from '../../shared/events/parse.ts';
import { parseEvent } from '../support/events.ts';
import { CLOCK_EXAMPLE } from '../../shared/events/clock.ts';
import { GAP_EXAMPLE } from '../../shared/events/gap.ts';
import { misfit } from '../support/event-schema.ts';
import { ROOT } from '../support/repository.ts';

const EXAMPLES: readonly object[] = [
  EXEC_EXAMPLE,
  { ...EXEC_EXAMPLE, env: { A: 'x' }, env_repeated: { A: [''] }, env_truncated: true },
  EXEC_FAILED_EXAMPLE,
  { ...FORK_EXAMPLE, raw: { comm: '/w==' }, flags: ['exe_truncated'] },
  FORK_EXAMPLE,
  EXIT_EXAMPLE,
  GAP_EXAMPLE,
  CLOCK_EXAMPLE,
  SEAL_EXAMPLE,
];

/** Every event that a page shows as JSON. */
const shown = (page: string): object[] =>
  [...readFileSync(path.join(ROOT, 'docs', page), 'utf8').matchAll(/^```json\n(.*?)^```$/gmsu)]
    .flatMap((match) => match[1]!.trim().split('\n'))
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as object);

test('every documented example fits the schema, alerts too', (t) => {
  const events = [...EXAMPLES, ...shown('protocol.md'), ...shown('rules.md')];
  t.true(events.length > 9);
  t.deepEqual(
    events.map(misfit).filter((reason) => reason !== undefined),
    [],
  );
});

test('so does every line that says who it is from', (t) => {
  const format = new Identified({ hostId: 'a'.repeat(32), host: 'walrus', stream: 'soc' });
  for (const event of EXAMPLES) {
    const line = Buffer.concat([...format.encode(itemOf(event as StreamEvent), { bootId: 'b' })]).toString();
    t.is(misfit(JSON.parse(line)), undefined);
    t.not(misfit(JSON.parse(line.replace('a'.repeat(32), 'A'))), undefined, 'a wrong host_id is seen');
  }
});

/** Values of every kind: most of them fit no field but one. */
const VALUES: readonly unknown[] = [
  -1,
  0,
  1.5,
  7,
  2 ** 60,
  '',
  'x',
  '2023-03-15T13:20:00.123456789Z',
  true,
  false,
  null,
  [],
  ['x'],
  [1],
  {},
  { a: 'x' },
  { a: 1 },
  { a: ['x'] },
  { pid: 1 },
  { pid: 'x' },
  'exec',
  'ebpf',
  'etw',
  'idle',
  'f'.repeat(64),
];

for (const [i, example] of EXAMPLES.entries()) {
  const { type } = example as { type: string };
  test(`schema and parser agree about every field of ${type}, example ${i + 1}`, (t) => {
    const fits = (event: object): boolean => {
      try {
        if (type === 'seal') sealOf(event);
        else parseEvent(JSON.stringify(event));
        return true;
      } catch (error) {
        // A rule between fields, which the schema leaves out: a filter may have taken numbers out of a gap's range.
        if (error instanceof EventError && error.message.startsWith('gap.count: expected last')) return true;
        return false;
      }
    };
    for (const field of Object.keys(example)) {
      if (field === 'type') continue;
      for (const value of VALUES) {
        const event = { ...example, [field]: value };
        t.is(misfit(event) === undefined, fits(event), `${field}: ${JSON.stringify(value)}`);
      }
      const { [field as never]: _, ...without } = example;
      t.is(misfit(without) === undefined, fits(without), `without ${field}`);
    }
  });
}

test('the number of the seal that covers a line is a whole number from 1', (t) => {
  for (const seal of [1, 4096]) t.is(misfit({ ...EXEC_EXAMPLE, seal }), undefined);
  for (const seal of [0, -1, 1.5, '1', null]) t.not(misfit({ ...EXEC_EXAMPLE, seal }), undefined, String(seal));
});

test('types and fields that a later version may bring fit', (t) => {
  t.is(misfit({ type: 'later', seq: 'x' }), undefined);
  t.is(misfit({ ...EXEC_EXAMPLE, later: 1 }), undefined);
  t.not(misfit({ seq: 1 }), undefined);
});
