import fc from 'fast-check';
import type { NaiveCondition, NaiveEvent, NaiveItem, NaiveRule, NaiveSearch } from './naive.ts';

/** Random rules, and random events for them. */

const FIELDS = ['Image', 'CommandLine', 'User', 'Z.z'];
const PIECES = ['a', 'B', 'ab', 'cmd', '.exe', ' -x', '/x', '-', '–y', 'é', 'Ж', '😀', ' ', '%', '\\', '_', '7', 'AbA'];
const RULE_PIECES = [...PIECES, '*', '?', '\\*', '\\?', '\\\\'];

const joined = (pieces: readonly string[], maxLength: number) =>
  fc.array(fc.constantFrom(...pieces), { maxLength }).map((parts) => parts.join(''));

const eventText = joined(PIECES, 6);
const address = fc.tuple(fc.constantFrom(10, 11), fc.nat(3), fc.nat(3), fc.nat(255)).map((parts) => parts.join('.'));
const date = fc.constantFrom('2024-02-29T13:20:59Z', '2023-12-31 23:05:00', '2024-01-01');
const encoded = fc
  .tuple(fc.nat(2), eventText)
  .map(([n, text]) => Buffer.from('x'.repeat(n) + text + 'y').toString('base64'));
const wide = eventText.map((text) => Buffer.from(text, 'utf16le').toString('latin1'));
const scalar = fc.oneof(
  { weight: 8, arbitrary: eventText },
  address,
  date,
  encoded,
  wide,
  fc.integer({ min: -3, max: 12 }),
  fc.boolean(),
);
const eventValue = fc.oneof({ weight: 8, arbitrary: scalar }, fc.constant(null), fc.array(scalar, { maxLength: 3 }));
export const event: fc.Arbitrary<NaiveEvent> = fc.dictionary(fc.constantFrom(...FIELDS), eventValue, {
  maxKeys: 4,
  noNullPrototype: true,
});

const field = fc.constantFrom(...FIELDS);
const values = <T>(one: fc.Arbitrary<T>) => fc.array(one, { minLength: 1, maxLength: 3 });
const item = (
  modifiers: fc.Arbitrary<readonly string[]>,
  of: fc.Arbitrary<NaiveItem['values']>,
  fields = field,
): fc.Arbitrary<NaiveItem> => fc.record({ field: fields, modifiers, values: of });

const ruleText = joined(RULE_PIECES, 4);
const plainText = joined(['a', 'B', 'ab', 'cmd', '-x', ' /x', 'é'], 3).filter((text) => text.length > 1);
const position = fc.constantFrom<readonly string[]>([], ['contains'], ['startswith'], ['endswith']);
const linking = fc.constantFrom<readonly string[]>([], [], ['all'], ['neq'], ['all', 'neq']);
const then = (...parts: readonly fc.Arbitrary<readonly string[]>[]) => fc.tuple(...parts).map((lists) => lists.flat());

const items: fc.Arbitrary<NaiveItem> = fc.oneof(
  {
    weight: 10,
    arbitrary: item(
      then(position, linking),
      values(fc.oneof({ weight: 6, arbitrary: ruleText }, fc.integer({ min: -3, max: 12 }), fc.boolean())),
    ),
  },
  {
    weight: 3,
    arbitrary: item(
      then(position, fc.constantFrom(['windash']), linking),
      values(joined([...PIECES, '-a', ' –B', '/7'], 3)),
    ),
  },
  { weight: 2, arbitrary: item(then(position, fc.constantFrom(['cased']), linking), values(ruleText)) },
  {
    weight: 2,
    arbitrary: item(
      then(fc.constantFrom(['base64'], ['base64offset']), fc.constantFrom(['contains']), linking),
      values(plainText),
    ),
  },
  { weight: 1, arbitrary: item(then(fc.constantFrom(['wide']), position), values(joined(['a', 'B', 'cmd', '-x'], 3))) },
  {
    weight: 1,
    arbitrary: item(
      fc.constantFrom(['wide', 'base64offset', 'contains']),
      values(joined(['a', 'B', 'cmd'], 2).filter((s) => s !== '')),
    ),
  },
  {
    weight: 3,
    arbitrary: item(
      then(fc.constantFrom(['re'], ['re', 'i'], ['re', 's'], ['re', 'i', 'm']), linking),
      values(joined(['a', 'B', '[a-c]', '.', '.*', 'x?', '\\.', '(?:a|cmd)', 'b+', '[^a]', '\\d{1,2}', 'a{2,}'], 4)),
    ),
  },
  {
    weight: 1,
    arbitrary: item(
      then(fc.constantFrom(['cidr']), linking),
      values(fc.constantFrom('10.0.0.0/8', '10.2.0.0/15', '11.1.3.0/24', '10.0.0.0/7', '11.3.3.7/32')),
    ),
  },
  {
    weight: 2,
    arbitrary: item(
      then(fc.constantFrom(['gt'], ['gte'], ['lt'], ['lte']), fc.constantFrom([], ['neq'])),
      values(fc.integer({ min: -3, max: 12 })),
    ),
  },
  {
    weight: 1,
    arbitrary: item(
      then(fc.constantFrom(['hour'], ['hour', 'gte'], ['month'], ['day', 'lt'])),
      values(fc.constantFrom(1, 2, 12, 13, 23)),
    ).filter(({ modifiers, values: v }) => modifiers[0] !== 'month' || v.every((n) => Number(n) <= 12)),
  },
  {
    weight: 1,
    arbitrary: item(then(fc.constantFrom(['minute'], ['minute', 'gte'], ['year'])), values(fc.constantFrom(5, 20))),
  },
  {
    weight: 1,
    arbitrary: item(
      fc.constantFrom(['exists']),
      fc.boolean().map((b) => [b]),
    ),
  },
  { weight: 1, arbitrary: item(fc.constantFrom([], ['neq']), fc.constant([null])) },
  {
    weight: 2,
    arbitrary: item(
      then(
        fc.constantFrom(['fieldref']),
        position,
        fc.constantFrom<readonly string[]>([], ['cased']),
        fc.constantFrom([], ['neq']),
      ),
      values(fc.constantFrom('Image', 'User')),
    ),
  },
);
const keywords = item(fc.constantFrom<readonly string[]>([], ['all']), values(ruleText), fc.constant(''));

const search: fc.Arbitrary<NaiveSearch> = fc.oneof(
  { weight: 6, arbitrary: fc.uniqueArray(items, { minLength: 1, maxLength: 3, selector: key }).map((map) => [map]) },
  {
    weight: 2,
    arbitrary: fc.array(fc.uniqueArray(items, { minLength: 1, maxLength: 2, selector: key }), {
      minLength: 2,
      maxLength: 3,
    }),
  },
  { weight: 1, arbitrary: keywords.map((k) => [[k]]) },
);

const NAMES = ['sel_a', 'sel_b', 'filter_c', '_hidden'];
const condition: fc.Arbitrary<NaiveCondition> = fc.letrec<{ any: NaiveCondition }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(...NAMES).map((name) => ({ op: 'id', name }) as const),
    fc.record({
      op: fc.constant('of' as const),
      all: fc.boolean(),
      pattern: fc.constantFrom('them', 'sel_*', 'filter_*'),
    }),
    fc.record({
      op: fc.constantFrom('and' as const, 'or' as const),
      args: fc.array(tie('any'), { minLength: 2, maxLength: 3 }),
    }),
    fc.record({ op: fc.constant('not' as const), arg: tie('any') }),
  ),
})).any;

export const rule: fc.Arbitrary<NaiveRule> = fc.record({
  searches: fc
    .tuple(search, search, search, search)
    .map((all) => Object.fromEntries(NAMES.map((name, i) => [name, all[i]!]))),
  condition,
});

function key({ field: name, modifiers }: NaiveItem): string {
  return [name, ...modifiers].join('|');
}

/** A text that a value of a rule matches, with something in the place of its wildcards. */
function filled(value: unknown, text: string): unknown {
  if (typeof value !== 'string') return value;
  return value.replace(
    /\\([*?\\])|\*|\?/g,
    (wildcard, escaped?: string) => escaped ?? (wildcard === '*' ? text : ([...text][0] ?? 'a')),
  );
}

/** Random rules hardly fit random events. These events are made for the rules: they fit some of their values, or nearly so. */
export const picks = fc.array(
  fc.record({ item: fc.nat(), value: fc.nat(), fill: joined(PIECES, 1), around: fc.constantFrom('', '', '', 'a') }),
  { minLength: 1, maxLength: 6 },
);
type Picks = typeof picks extends fc.Arbitrary<infer T> ? T : never;

export function madeFor(rules: readonly NaiveRule[], chosen: Picks): NaiveEvent {
  const all = rules.flatMap(({ searches }) => Object.values(searches).flat(2));
  const made: Record<string, unknown> = {};
  for (const { item: i, value, fill, around } of chosen) {
    const { field: name, modifiers, values: own } = all[i % all.length]!;
    const wanted = own[value % own.length];
    // The field that is compared with has the text already, or will have it.
    const text = modifiers.includes('fieldref') ? made[String(wanted)] : filled(wanted, fill);
    if (text !== undefined)
      made[name === '' ? 'Image' : name] = typeof text === 'string' ? around + text + fill.repeat(around.length) : text;
  }
  return made;
}

/** As few parentheses as the precedence of the specification allows, so that the parser has to know it. */
function print(c: NaiveCondition, outer = 0): string {
  if (c.op === 'id') return c.name;
  if (c.op === 'of') return `${c.all ? 'all' : '1'} of ${c.pattern}`;
  if (c.op === 'not') return `not ${print(c.arg, 3)}`;
  const own = c.op === 'or' ? 1 : 2;
  const text = c.args.map((arg) => print(arg, own)).join(` ${c.op} `);
  return outer > own ? `(${text})` : text;
}

/** A rule as the text of its file; its id is its number. */
export function document(r: NaiveRule, i: number): string {
  const detection: Record<string, unknown> = { condition: print(r.condition) };
  for (const [name, maps] of Object.entries(r.searches)) {
    const [first] = maps;
    if (maps.length === 1 && first![0]!.field === '') {
      const [{ modifiers, values: list }] = first as [NaiveItem];
      detection[name] = modifiers.length === 0 ? list : { '|all': list };
      continue;
    }
    const written = maps.map((map) =>
      Object.fromEntries(map.map((it) => [key(it), it.values.length === 1 ? it.values[0] : it.values])),
    );
    detection[name] = written.length === 1 ? written[0] : written;
  }
  return JSON.stringify({ title: `rule ${i}`, id: String(i), logsource: { category: 'process_creation' }, detection });
}
