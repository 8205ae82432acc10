import { describe, plain, type Node, type Reader } from '../../yaml/node.ts';
import { didYouMean } from '../../values/suggest.ts';

/** An event of a test: our own (it has a `type`), or one in Sigma's field names. */
export type TestEvent = Readonly<Record<string, unknown>>;

interface RuleTest {
  /** One event; several, in their order, for a correlation. */
  readonly events: readonly TestEvent[];
  readonly matches: boolean;
  /** Where it stands: `tests.match[0]`. */
  readonly path: string;
  /** From 1; 0 where it did not come from text. */
  readonly line: number;
  readonly column: number;
}

export type RuleTests = readonly RuleTest[];

const KEYS = { match: true, no_match: false } as const;

/**
 * `tests:` of a rule, which is our own key: events that must match and events
 * that must not, each under `match` and `no_match`.
 */
export function readRuleTests(reader: Reader, node: Node | undefined): RuleTests | undefined {
  if (node === undefined) return undefined;
  // Others have keys of this name, too.
  if (node.kind !== 'map' || !node.entries.some(({ key }) => Object.hasOwn(KEYS, key))) {
    reader.warning(node, `not read as tests: expected a map of match and no_match, found ${describe(node)}`);
    return undefined;
  }
  return node.entries.flatMap(({ key, value }) => {
    if (!Object.hasOwn(KEYS, key)) {
      reader.problem(value, `unknown key "${key}"${didYouMean(key, Object.keys(KEYS))}`);
      return [];
    }
    if (value.kind !== 'list') {
      reader.problem(value, `expected a list of events, found ${describe(value)}`);
      return [];
    }
    const matches = KEYS[key as keyof typeof KEYS];
    return value.items.flatMap((item) => {
      const events = item.kind === 'list' ? item.items : [item];
      const wrong = events.find((event) => event.kind !== 'map');
      if (wrong !== undefined || events.length === 0) {
        reader.problem(
          wrong ?? item,
          `expected an event, found ${wrong === undefined ? 'an empty list' : describe(wrong)}`,
        );
        return [];
      }
      const place = item.offset < 0 ? { line: 0, column: 0 } : reader.source.place(item.offset);
      return [{ events: events.map((event) => plain(event) as TestEvent), matches, path: item.path, ...place }];
    });
  });
}
