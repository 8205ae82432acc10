import type { Placeholders } from '../value/placeholders.ts';
import type { Expression } from '../value/test.ts';
import { readCondition } from './condition.ts';
import { linked, readItem } from './item.ts';
import { MAX_RULE_TESTS, Room } from './room.ts';
import { describe, entryOf, type MapNode, type Node, type Reader } from '../../yaml/node.ts';

/**
 * The `detection` section of a rule, or of a filter: search identifiers and
 * the condition over them. `reserved` names keys that are neither.
 * @returns undefined when a problem was noted; every problem of the section is noted, not only the first
 */
export function readDetection(
  reader: Reader,
  node: Node | undefined,
  owner: Node,
  placeholders: Placeholders,
  reserved: readonly string[] = [],
): Expression | undefined {
  if (node === undefined) {
    reader.problem(owner, 'the detection is missing');
    return undefined;
  }
  if (node.kind !== 'map') {
    reader.problem(node, `expected a map of search identifiers and a condition, found ${describe(node)}`);
    return undefined;
  }
  const before = reader.problems.length;
  const room = new Room(MAX_RULE_TESTS);
  const identifiers = readIdentifiers(reader, node, placeholders, reserved, room);
  const condition = entryOf(node, 'condition');
  if (condition === undefined) {
    reader.problem(node, 'the condition is missing');
    return undefined;
  }
  const expression = readConditions(reader, condition, identifiers, room);
  return reader.problems.length > before ? undefined : expression;
}

function readIdentifiers(
  reader: Reader,
  node: MapNode,
  placeholders: Placeholders,
  reserved: readonly string[],
  room: Room,
): Map<string, Expression | undefined> {
  const identifiers = new Map<string, Expression | undefined>();
  for (const { key, value } of node.entries) {
    if (key === 'condition' || reserved.includes(key)) continue;
    if (key === 'timeframe') {
      reader.problem(value, 'timeframe belongs to the old aggregations; write a correlation rule instead');
      continue;
    }
    identifiers.set(key, readSearch(reader, value, placeholders, room));
  }
  return identifiers;
}

/** Lists are linked with OR, maps with AND, and a value alone is a keyword (specification, "Lists" and "Maps"). */
function readSearch(reader: Reader, node: Node, placeholders: Placeholders, room: Room): Expression | undefined {
  if (node.kind === 'scalar') return readItem(reader, '', node, node, placeholders, room);
  if (node.kind === 'map') {
    if (node.entries.length === 0) {
      reader.problem(node, 'an empty map matches nothing');
      return undefined;
    }
    const items = node.entries.map(({ key, keyOffset, value }) =>
      readItem(reader, key, { ...value, offset: keyOffset }, value, placeholders, room),
    );
    return all('and', items);
  }
  if (node.items.length === 0) {
    reader.problem(node, 'an empty list matches nothing');
    return undefined;
  }
  return all(
    'or',
    node.items.map((item) => readSearch(reader, item, placeholders, room)),
  );
}

function all(op: 'and' | 'or', args: readonly (Expression | undefined)[]): Expression | undefined {
  return args.includes(undefined) ? undefined : linked(op, args as Expression[]);
}

/** Several conditions are linked with OR (specification, "Condition"). */
function readConditions(
  reader: Reader,
  node: Node,
  identifiers: ReadonlyMap<string, Expression | undefined>,
  room: Room,
): Expression | undefined {
  const nodes = node.kind === 'list' ? node.items : [node];
  const used = new Set<string>();
  const conditions = nodes.map((one) => {
    if (one.kind === 'scalar' && typeof one.value === 'string')
      return readCondition(reader, one, identifiers, used, room);
    reader.problem(one, `expected a condition, found ${describe(one)}`);
    return undefined;
  });
  if (conditions.length === 0) reader.problem(node, 'the condition is empty');
  if (!conditions.includes(undefined)) {
    for (const name of identifiers.keys()) {
      if (!used.has(name)) reader.warning(node, `the search identifier "${name}" is not used`);
    }
  }
  return all('or', conditions);
}
