import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { configJsonSchema } from '../../../agent/config/json-schema.ts';
import { parseConfig } from '../../../agent/config/load.ts';
import { formatProblem } from '../../../agent/problem.ts';
import { ROOT } from '../../support/repository.ts';

const PAGES = [
  'agent/agent.example.yaml',
  'docs/configuration.md',
  'docs/outputs.md',
  'docs/redaction.md',
  'docs/rules.md',
];
const RECIPES = [
  'clickhouse',
  'elasticsearch',
  'files',
  'kafka',
  'nats-clickhouse',
  'otel-collector',
  'rsyslog',
  'victorialogs',
];

/** Every configuration that the documents show, parts of one among them, as plain values. */
const SHOWN = [...PAGES, ...RECIPES.map((name) => `docs/recipes/${name}.md`)].flatMap((page) => {
  const text = readFileSync(path.join(ROOT, page), 'utf8');
  const blocks = page.endsWith('.md')
    ? [...text.matchAll(/^```yaml\n(.*?)^```$/gmsu)].map(([, block]) => block!)
    : [text];
  return blocks.flatMap((block) => {
    const whole = [block, `outputs: [{ name: added, type: stdout }]\n${block}`, `outputs:\n${block}`];
    const good = whole.find((each) => parseConfig(each, 'agent.yaml').ok);
    return good === undefined ? [] : [parse(good) as object];
  });
});

/** Of each kind, and at the edges of what keys take. */
const WRONG: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e99,
  NaN,
  Infinity,
  '',
  ' ',
  '~',
  'x',
  '10 s',
  '10  s',
  '1e3',
  '-1s',
  '0x10',
  '0B',
  '5S',
  '1TiB',
  'a\nb',
  'a\0b',
  '\u001b[31m',
  '\u202e',
  '__proto__',
  'constructor',
  '/x\ny',
  '/dev/null',
  '../x',
  '/x',
  'x'.repeat(5000),
  'http://x',
  'https://[',
  'https://u:p@h/',
  'ftp://x',
  'nats://[',
  'tls://x',
  'unix:/x',
  'x:1',
  'x:99999',
  '[::1]:1',
  [],
  {},
  [[]],
  [{}],
  [null],
  ['a'],
  { a: 1 },
  { ca: '/x' },
  { path: '/x' },
  { user: 'x' },
];

type Collection = Record<PropertyKey, unknown>;

const placesIn = (value: unknown): Array<[Collection, PropertyKey]> =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([key, inner]): Array<[Collection, PropertyKey]> => [
        [value as Collection, key],
        ...placesIn(inner),
      ]);

interface Mutation {
  readonly where: number;
  readonly how: 'change' | 'remove' | 'add';
  readonly key: string;
  readonly value: unknown;
}

const mutation = fc.record<Mutation>({
  where: fc.nat(),
  how: fc.constantFrom('change', 'change', 'remove', 'add'),
  key: fc.constantFrom('tls', 'auth', 'dead_letter', 'url', 'x', 'Name', '__proto__', 'constructor', 'a\nb', ''),
  value: fc.constantFrom(...WRONG),
});

function mutate(config: object, mutations: readonly Mutation[]): object {
  for (const { where, how, key, value } of mutations) {
    const places = placesIn(config);
    const [collection, at] = places[where % places.length] ?? [config as Collection, 'outputs'];
    if (how === 'remove') delete collection[at];
    else {
      const name = how === 'change' ? at : Array.isArray(collection) ? collection.length : key;
      Object.defineProperty(collection, name, {
        value: structuredClone(value),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
  }
  return config;
}

test('whatever is wrong with a configuration is said with its place; what the agent takes, the JSON Schema takes', (t) => {
  t.true(SHOWN.length >= 20, `${SHOWN.length}`);
  const validate = new Ajv2020({ strict: false }).compile(configJsonSchema());
  fc.assert(
    fc.property(fc.constantFrom(...SHOWN), fc.array(mutation, { minLength: 1, maxLength: 3 }), (shown, mutations) => {
      const text = stringify(mutate(structuredClone(shown), mutations));
      const result = parseConfig(text, 'agent.yaml');
      if (result.ok) return validate(parse(text)) === true;
      return result.problems.every((problem) => {
        const said = formatProblem(problem);
        return problem.line > 0 && problem.column > 0 && !/undefined|\[object |Invalid input/u.test(said);
      });
    }),
    { numRuns: 3000 },
  );
});

test('an address that is none is one problem, whatever goes with it', (t) => {
  for (const type of ['http', 'elasticsearch', 'loki', 'otlp'])
    for (const url of ['~', 'https://[', 'x'])
      for (const more of ['', 'tls: {}', 'tls: { ca: /x }', 'auth: { token_file: /x }', 'dead_letter: { path: /x }']) {
        const text = `outputs: [{ name: a, type: ${type}, url: "${url}", ${more} }]\n`;
        const result = parseConfig(text, 'agent.yaml');
        t.deepEqual(result.ok ? [] : result.problems.map((problem) => problem.path), ['outputs[0].url'], text);
      }
});
