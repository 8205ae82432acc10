import { Engine, type EngineLimits, type SigmaEvent } from './engine.ts';
import { fieldsOf, unknownFields } from './fields/known.ts';
import { readDetection } from './parse/detection.ts';
import { describe, entryOf, Reader, type Node } from '../yaml/node.ts';
import type { Problem } from '../problem.ts';
import { didYouMean } from '../values/suggest.ts';
import { nodeOf, withoutText } from '../yaml/scalar.ts';
import type { Placeholders } from './value/placeholders.ts';
import type { Expression } from './value/test.ts';

/** The action of a filter on a matching event. */
type Action = 'drop' | 'keep';

export interface Filter {
  readonly name: string;
  readonly action: Action;
  readonly expression: Expression;
}

export interface Decision {
  readonly name: string;
  readonly action: Action;
}

const KEYS = ['name', 'detection', 'action'];

/**
 * The `filters` of a configuration: a list of `{name, detection, action}`.
 * Every problem is noted on the reader. One faulty filter refuses the whole list: without it, the others would keep or drop different events.
 * @returns undefined when a problem was noted
 */
export function readFilters(reader: Reader, node: Node, placeholders: Placeholders = new Map()): Filter[] | undefined {
  if (node.kind !== 'list') {
    reader.problem(node, `expected a list of filters, found ${describe(node)}`);
    return undefined;
  }
  const before = reader.problems.length;
  const filters = node.items.map((item, i) => readFilter(reader, item, i, placeholders));
  return reader.problems.length > before ? undefined : (filters as Filter[]);
}

/** The same for a value that is already parsed; problems then have a path but no line. */
export function filtersOf(
  value: unknown,
  file: string,
  path = 'filters',
  placeholders?: Placeholders,
): { filters: readonly Filter[]; problems: readonly Problem[] } {
  const reader = new Reader(withoutText(file));
  const filters = readFilters(reader, nodeOf(value, path), placeholders);
  return { filters: filters ?? [], problems: reader.problems };
}

function readFilter(reader: Reader, node: Node, place: number, placeholders: Placeholders): Filter | undefined {
  if (node.kind !== 'map') {
    reader.problem(node, `expected {name, detection, action}, found ${describe(node)}`);
    return undefined;
  }
  for (const { key, value } of node.entries) {
    if (!KEYS.includes(key)) reader.problem(value, `unknown key "${key}"${didYouMean(key, KEYS)}`);
  }
  const name = entryOf(node, 'name');
  if (name !== undefined && (name.kind !== 'scalar' || typeof name.value !== 'string'))
    reader.problem(name, `expected text, found ${describe(name)}`);
  const action = entryOf(node, 'action');
  const chosen = action?.kind === 'scalar' ? action.value : undefined;
  if (chosen !== 'drop' && chosen !== 'keep') {
    reader.problem(
      action ?? node,
      `the action is "drop" or "keep"${action === undefined ? ', and it is missing' : `, not ${describe(action)}`}`,
    );
  }
  const expression = readDetection(reader, entryOf(node, 'detection'), node, placeholders);
  if (expression === undefined || (chosen !== 'drop' && chosen !== 'keep')) return undefined;
  return { name: name?.kind === 'scalar' ? name.text : `filter ${place + 1}`, action: chosen, expression };
}

/** Finds oddities in filters that are still clear: fields that no event has. */
export function doubtfulFilters(filters: readonly Filter[]): string[] {
  return filters.flatMap(({ name, expression }) =>
    unknownFields(fieldsOf(expression)).map((message) => `filters: "${name}": ${message}`),
  );
}

/** The compiled filters. The first match decides; an event without a match is kept. */
export class Filters {
  readonly #filters: readonly Filter[];
  readonly #engine: Engine;
  readonly #counts: number[];
  readonly fields: ReadonlySet<string>;
  /** Whether a keyword looks at every value of the event. */
  readonly readsEverything: boolean;

  constructor(filters: readonly Filter[], limits: EngineLimits = {}) {
    this.#filters = filters;
    this.#engine = new Engine(
      filters.map((filter) => filter.expression),
      limits,
    );
    this.#counts = filters.map(() => 0);
    this.fields = this.#engine.fields;
    this.readsEverything = this.#engine.readsEverything;
  }

  /**
   * @param incomplete fields with a known end only: an event that may match because of that is kept, not dropped
   * @returns undefined where no filter matches
   * @throws {OverBudgetError} when it would take too long to say
   */
  decide(event: SigmaEvent, incomplete?: ReadonlySet<string>): Decision | undefined {
    const [first] =
      incomplete === undefined
        ? this.#engine.match(event)
        : this.#engine.matchIncomplete(event, incomplete, (i) => this.#filters[i]!.action === 'keep');
    if (first === undefined) return undefined;
    this.#counts[first]!++;
    return this.#filters[first];
  }

  /** How many events each filter decided, in order. */
  counts(): readonly (Decision & { readonly count: number })[] {
    return this.#filters.map(({ name, action }, i) => ({ name, action, count: this.#counts[i]! }));
  }
}
