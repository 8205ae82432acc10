import { describe, entryOf, type MapNode, type Node, type Reader } from '../../yaml/node.ts';
import { text, texts } from './metadata.ts';
import { didYouMean } from '../../values/suggest.ts';

const CORRELATION_TYPES = [
  'event_count',
  'value_count',
  'temporal',
  'temporal_ordered',
  'value_sum',
  'value_avg',
  'value_percentile',
  'value_median',
] as const;
type CorrelationType = (typeof CORRELATION_TYPES)[number];

const OPERATORS = ['gt', 'gte', 'lt', 'lte', 'eq', 'neq'] as const;
type Operator = (typeof OPERATORS)[number];

/** Every bound must hold: `gt: 100` with `lte: 200` is a range. */
export type Bounds = readonly { readonly op: Operator; readonly count: number }[];

/** The `correlation` section (correlation rules specification v2.1). */
export interface Correlation {
  readonly type: CorrelationType;
  /** Ids or names of rules or correlations, in order. */
  readonly rules: readonly string[];
  readonly groupBy: readonly string[];
  readonly timespanMs: number;
  readonly bounds: Bounds;
  /** The fields that value types count, add up or sort. Several fields form one combined value. */
  readonly fields: readonly string[];
  /** 0 to 100, only with value_percentile. */
  readonly percentile?: number;
  /** Alias → rule → field of the events of that rule. */
  readonly aliases: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Whether the rules it refers to also report on their own. */
  readonly generate: boolean;
}

/** A count above this would need more memory for one group than a sensor may take. */
const MAX_COUNT = 100_000;
/** Rules of one correlation. `temporal_ordered` keeps the square of it for a group. */
export const MAX_CORRELATED_RULES = 400;
const KEYS = ['type', 'rules', 'group-by', 'timespan', 'condition', 'aliases', 'generate'];
const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** @returns undefined when a problem was noted */
export function readCorrelation(reader: Reader, node: Node): Correlation | undefined {
  const before = reader.problems.length;
  if (node.kind !== 'map') {
    reader.problem(node, `expected a map, found ${describe(node)}`);
    return undefined;
  }
  for (const { key, value } of node.entries) {
    if (!KEYS.includes(key)) reader.problem(value, `unknown key "${key}"${didYouMean(key, KEYS)}`);
  }
  const type = readType(reader, node);
  const rules = texts(reader, node, 'rules');
  if (rules.length === 0) reader.problem(node, 'the rules are missing');
  if (rules.length > MAX_CORRELATED_RULES)
    reader.problem(
      entryOf(node, 'rules')!,
      `${rules.length} rules; a correlation is over ${MAX_CORRELATED_RULES} at most`,
    );
  const { bounds, fields, percentile } = readBounds(reader, node, type, rules.length);
  const correlation: Correlation = {
    type: type ?? 'event_count',
    rules,
    groupBy: texts(reader, node, 'group-by'),
    timespanMs: readTimespan(reader, node),
    bounds,
    fields,
    ...(percentile === undefined ? {} : { percentile }),
    aliases: readAliases(reader, node),
    generate: readGenerate(reader, node),
  };
  return reader.problems.length > before ? undefined : correlation;
}

function readType(reader: Reader, node: MapNode): CorrelationType | undefined {
  const found = text(reader, node, 'type');
  const known = CORRELATION_TYPES.find((t) => t === found);
  if (found === undefined) reader.problem(node, 'the type is missing');
  else if (known === undefined) {
    reader.problem(
      entryOf(node, 'type')!,
      `expected one of ${CORRELATION_TYPES.join(', ')}, found "${found}"${didYouMean(found, CORRELATION_TYPES)}`,
    );
  }
  return known;
}

function readTimespan(reader: Reader, node: MapNode): number {
  const value = entryOf(node, 'timespan');
  if (value === undefined) {
    reader.problem(node, 'the timespan is missing');
    return 0;
  }
  const found = value.kind === 'scalar' ? /^([1-9]\d{0,8})([smhd])$/.exec(value.text) : null;
  if (found === null)
    reader.problem(value, `expected a number and s, m, h or d, for example 90m, found ${describe(value)}`);
  return found === null ? 0 : Number(found[1]) * UNIT_MS[found[2]!]!;
}

interface Condition {
  readonly bounds: Bounds;
  readonly fields: readonly string[];
  readonly percentile: number | undefined;
}

function readBounds(reader: Reader, node: MapNode, type: CorrelationType | undefined, rules: number): Condition {
  const none = { bounds: [], fields: [], percentile: undefined };
  const value = entryOf(node, 'condition');
  const temporal = type === 'temporal' || type === 'temporal_ordered';
  if (value === undefined) {
    // "All events defined by the rules referred by the rule field must occur."
    if (temporal) return { ...none, bounds: [{ op: 'gte', count: rules }] };
    reader.problem(node, 'the condition is missing');
    return none;
  }
  if (value.kind !== 'map') {
    reader.problem(value, `expected a map like {gte: 10}, found ${describe(value)}`);
    return none;
  }
  const bounds = value.entries.flatMap(({ key, value: operand }) => {
    const op = OPERATORS.find((o) => o === key);
    if (op === undefined) {
      if (key !== 'field' && key !== 'percentile')
        reader.problem(operand, `unknown key "${key}"${didYouMean(key, [...OPERATORS, 'field'])}`);
      return [];
    }
    const count = number(reader, operand);
    return count === undefined ? [] : [{ op, count }];
  });
  if (!value.entries.some(({ key }) => key !== 'field' && key !== 'percentile'))
    reader.problem(value, `expected one of ${OPERATORS.join(', ')}`);
  const fields = texts(reader, value, 'field');
  const ofValues = type !== undefined && type.startsWith('value_');
  if (ofValues && fields.length === 0) reader.problem(value, `${type} needs a field`);
  if (!ofValues && fields.length > 0)
    reader.problem(entryOf(value, 'field')!, `${type ?? 'this type'} counts events, not the values of a field`);
  return { bounds, fields, percentile: readPercentile(reader, value, type) };
}

function readPercentile(reader: Reader, node: MapNode, type: CorrelationType | undefined): number | undefined {
  const value = entryOf(node, 'percentile');
  if (value === undefined) {
    if (type === 'value_percentile') reader.problem(node, 'value_percentile needs a percentile from 0 to 100');
    return undefined;
  }
  const found = number(reader, value);
  if (found !== undefined && (found < 0 || found > 100)) reader.problem(value, 'expected a number from 0 to 100');
  if (type !== 'value_percentile') reader.problem(value, 'percentile belongs to value_percentile');
  return found;
}

function number(reader: Reader, node: Node): number | undefined {
  if (node.kind === 'scalar' && typeof node.value === 'number' && Math.abs(node.value) <= Number.MAX_SAFE_INTEGER)
    return node.value;
  reader.problem(node, `expected a number, found ${describe(node)}`);
  return undefined;
}

/** Counting types keep one entry a counted thing, so their bound is also a bound on memory. */
export function checkCounts(reader: Reader, node: Node, { type, bounds }: Correlation): void {
  if (type !== 'event_count' && type !== 'value_count') return;
  for (const { op, count } of bounds) {
    if (!Number.isInteger(count) || count < 0 || count > MAX_COUNT) {
      reader.problem(node, `${op} is a whole number from 0 to ${MAX_COUNT}`);
    }
  }
}

function readAliases(reader: Reader, node: MapNode): Map<string, ReadonlyMap<string, string>> {
  const aliases = new Map<string, ReadonlyMap<string, string>>();
  const value = entryOf(node, 'aliases');
  if (value === undefined) return aliases;
  if (value.kind !== 'map') {
    reader.problem(value, `expected a map, found ${describe(value)}`);
    return aliases;
  }
  for (const { key, value: mapping } of value.entries) {
    if (mapping.kind !== 'map') {
      reader.problem(mapping, `expected a map from rule to field, found ${describe(mapping)}`);
      continue;
    }
    aliases.set(
      key,
      new Map(
        mapping.entries.flatMap((e) => {
          const field = text(reader, mapping, e.key);
          return field === undefined ? [] : [[e.key, field] as const];
        }),
      ),
    );
  }
  return aliases;
}

function readGenerate(reader: Reader, node: MapNode): boolean {
  const value = entryOf(node, 'generate');
  if (value === undefined) return false;
  if (value.kind === 'scalar' && typeof value.value === 'boolean') return value.value;
  reader.problem(value, `expected true or false, found ${describe(value)}`);
  return false;
}
