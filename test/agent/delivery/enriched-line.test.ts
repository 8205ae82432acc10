import test from 'ava';
import fc from 'fast-check';
import { FactSelection } from '../../../agent/delivery/enriched-line.ts';
import { FACT_NAMES, Facts, type FactName } from '../../../agent/events/facts.ts';
import { itemOf, type StreamEvent } from '../../../agent/events/item.ts';
import { Identified } from '../../../agent/formats/identified.ts';
import { EXEC_EXAMPLE } from '../../../shared/events/exec.ts';
import { anyEvent } from '../formats/support/events.ts';

type Line = Record<string, unknown>;

const subset = fc.subarray([...FACT_NAMES], { minLength: 1 });
/** Values of facts; of `parent` a command line. Texts look like ends of objects. */
const text = fc.oneof(fc.string(), fc.constantFrom('}', '"}', '\\"}', '"parent":{', '\\', ',"redacted":true}\n', '€'));
const values = fc.record(
  Object.fromEntries(
    FACT_NAMES.map((name) => [name, name === 'parent' ? text : fc.record({ name: text })]),
  ) as unknown as Record<FactName, fc.Arbitrary<unknown>>,
  { requiredKeys: [] },
);
/** Without the fields that facts have, which events of the helper lack. */
const plainEvent = anyEvent.map((event) => {
  const fields: Line = { ...event };
  for (const name of FACT_NAMES) if (name !== 'parent') delete fields[name];
  const { command_line: _, ...parent } = (fields['parent'] ?? {}) as Line;
  if (fields['parent'] !== undefined) fields['parent'] = parent;
  return fields as unknown as StreamEvent;
});

const factsOf = (found: Partial<Record<FactName, unknown>>, redacted = 0): Facts =>
  new Facts({
    texts: FACT_NAMES.map((name) => (found[name] === undefined ? undefined : JSON.stringify(found[name]))),
    redacted,
  });

test('a line with facts is the line without them and the facts that the output asks for, whatever either holds', (t) => {
  fc.assert(
    fc.property(plainEvent, values, subset, fc.nat(2 ** FACT_NAMES.length - 1), (event, found, names, redacted) => {
      const item = itemOf(event);
      const line = new FactSelection(names).addTo(item, factsOf(found, redacted)).line;
      const parsed = JSON.parse(line) as Line;
      const own = JSON.parse(item.line) as Line & { parent?: Line };
      const expected: Line = { ...own };
      const added = names.filter(
        (name) => found[name] !== undefined && (name !== 'parent' || own.parent !== undefined),
      );
      for (const name of added)
        expected[name] = name === 'parent' ? { ...own.parent, command_line: found.parent } : found[name];
      const isRedacted = names.some((name) => (redacted & (1 << FACT_NAMES.indexOf(name))) !== 0);
      if (added.length > 0 && isRedacted) expected['redacted'] = true;
      t.deepEqual(parsed, expected);
      // Each key once.
      t.is(JSON.stringify(parsed).length, line.length);
      // And taken out of the text, what is left is the line.
      let bare = line;
      for (const name of added)
        bare =
          name === 'parent'
            ? bare.replace(`,"command_line":${JSON.stringify(found.parent)}}`, () => '}')
            : bare.replace(`,"${name}":${JSON.stringify(found[name])}`, () => '');
      if (added.length > 0 && isRedacted && own['redacted'] !== true) bare = bare.replace(/,"redacted":true\}$/u, '}');
      t.is(bare, item.line);
    }),
    { numRuns: 500, seed: 17 },
  );
});

test('the order of the list does not matter', (t) => {
  const facts = factsOf({ user: { name: 'ada' }, entity_id: 'x', group: { name: 'g' } });
  const lines = [
    ['user', 'group', 'entity_id'],
    ['entity_id', 'user', 'group'],
  ].map((names) => new FactSelection(names as FactName[]).addTo(itemOf(EXEC_EXAMPLE), facts).line);
  t.is(lines[0], lines[1]);
  t.true(lines[0]!.endsWith(',"user":{"name":"ada"},"group":{"name":"g"},"entity_id":"x"}'));
});

test('a line that is no object, and an event without facts, stay as they are', (t) => {
  const item = itemOf(EXEC_EXAMPLE);
  t.is(new FactSelection(['user']).addTo(item, undefined), item);
  t.is(new FactSelection(['user']).addTo(item, factsOf({ group: {} })), item);
  t.is(
    new FactSelection(['parent']).addTo(
      itemOf({ ...EXEC_EXAMPLE, parent: undefined } as never),
      factsOf({ parent: 'x' }),
    ).line,
    JSON.stringify({ ...EXEC_EXAMPLE, parent: undefined }),
  );
});

test('who the line is from stays at its end', (t) => {
  const item = new FactSelection(['user']).addTo(itemOf(EXEC_EXAMPLE), factsOf({ user: { name: 'ada' } }));
  const format = new Identified({ hostId: 'a'.repeat(32), host: 'h', stream: 's' });
  const line = Buffer.concat(format.encode(item, { bootId: 'b', seal: 7 })).toString();
  t.regex(line, /,"user":\{"name":"ada"\},"host_id":"a{32}",.*,"seal":7\}$/u);
});
