import { ModifierError } from '../value/modifier-error.ts';
import { finish, LIST_MODIFIERS, MODIFIERS, valueOfText, type Value } from '../value/modifiers.ts';
import { hasPlaceholder, MAX_ALTERNATIVES, type Placeholders } from '../value/placeholders.ts';
import { writtenAs, type Expression, type Origin, type Test } from '../value/test.ts';
import { TIME_PARTS } from '../value/time-part.ts';
import { ANY, normalize, type Token } from '../value/tokens.ts';
import { describe, type Node, type Reader, type ScalarNode } from '../../yaml/node.ts';
import { MAX_RULE_TESTS, sizeOf, type Room } from './room.ts';
import { didYouMean } from '../../values/suggest.ts';

const NAMES = [...MODIFIERS.keys(), ...LIST_MODIFIERS];

/** Modifiers for which it does not matter how a number is written. */
const OF_NUMBERS: ReadonlySet<string> = new Set(['lt', 'lte', 'gt', 'gte', ...Object.keys(TIME_PARTS)]);

/**
 * One line of a selection, `Field|modifier|modifier: value or list`, as an
 * expression. Values are linked with OR, under `all` with AND; `neq` negates the whole.
 * @returns undefined when a problem was noted
 */
export function readItem(
  reader: Reader,
  key: string,
  keyNode: Node,
  value: Node,
  placeholders: Placeholders,
  room: Room,
): Expression | undefined {
  const [name, ...modifiers] = key.split('|') as [string, ...string[]];
  const field = name === '' ? null : name;
  for (const modifier of modifiers) {
    if (NAMES.includes(modifier)) continue;
    reader.problem(keyNode, `unknown modifier "${modifier}"${didYouMean(modifier, NAMES)}`);
    return undefined;
  }
  const nodes = value.kind === 'list' ? value.items : [value];
  if (nodes.length === 0) {
    reader.problem(value, 'an empty list matches nothing; write null for a missing field');
    return undefined;
  }
  warn(reader, value, nodes, modifiers);
  const alternatives: Expression[] = [];
  for (const node of nodes) {
    if (node.kind !== 'scalar') {
      reader.problem(node, `expected a value, found ${describe(node)}`);
      return undefined;
    }
    try {
      const tests = applyModifiers(node, field, modifiers, placeholders);
      const any = linked(
        'or',
        tests.map((test) => ({ op: 'test', field, test: field === null ? asKeyword(test, modifiers) : test })),
      );
      if (!room.take(sizeOf(any))) {
        reader.problem(node, `more than ${MAX_RULE_TESTS} tests up to here; split the rule`);
        return undefined;
      }
      alternatives.push(writtenAs(originOf(node), any));
    } catch (error) {
      if (!(error instanceof ModifierError)) throw error;
      reader.problem(node, error.message);
      return undefined;
    }
  }
  const all = linked(modifiers.includes('all') ? 'and' : 'or', alternatives);
  return writtenAs({ part: 'item', text: key }, modifiers.includes('neq') ? { op: 'not', arg: all } : all);
}

/** Integers that a double cannot hold keep their digits as text. */
function originOf({ value, text }: ScalarNode): Origin {
  return { part: 'value', value: Number.isInteger(value) && !Number.isSafeInteger(value) ? text : value };
}

/** Warns about values that are odd but clear. */
function warn(reader: Reader, value: Node, nodes: readonly Node[], modifiers: readonly string[]): void {
  if (modifiers.includes('all') && nodes.length < 2)
    reader.warning(value, 'all needs a list of at least two values; it is ignored');
  if (modifiers.includes('expand') && !nodes.some((node) => node.kind === 'scalar' && hasPlaceholder(node.text))) {
    reader.warning(
      value,
      'expand finds no %name% here; a backslash before % escapes it, so a path is written C:\\\\%name%',
    );
  }
  const ofNumbers = modifiers.some((modifier) => OF_NUMBERS.has(modifier));
  for (const node of nodes) {
    if (node.kind !== 'scalar') continue;
    if (node.value === null && nodes.length > 1) {
      reader.warning(
        node,
        'null in a list of values is not Sigma (specification, "Special Field Values"); it means a missing field',
      );
    }
    if (node.value === null && node.written === '') {
      reader.warning(
        node,
        "nothing stands here, which means a missing field; write null for that, '' for an empty text",
      );
    } else if (node.written !== undefined && !ofNumbers) {
      reader.warning(
        node,
        `${node.written} is the number ${node.text}, and compared as such; write '${node.written}' for the text`,
      );
    }
  }
}

export function linked(op: 'and' | 'or', args: readonly Expression[]): Expression {
  return args.length === 1 ? args[0]! : { op, args };
}

function applyModifiers(
  node: ScalarNode,
  field: string | null,
  modifiers: readonly string[],
  placeholders: Placeholders,
): Test[] {
  let values: Value[] = [initial(node, field, modifiers)];
  const applied: string[] = [];
  for (const name of modifiers) {
    const modifier = MODIFIERS.get(name);
    if (modifier !== undefined) {
      const context = { applied, field, placeholders };
      const next: Value[] = [];
      for (const one of values) {
        for (const alternative of modifier(one, context)) next.push(alternative);
        if (next.length > MAX_ALTERNATIVES) throw new ModifierError(`more than ${MAX_ALTERNATIVES} alternatives`);
      }
      values = next;
      applied.push(name);
    }
  }
  return values.map(finish);
}

function initial(node: ScalarNode, field: string | null, modifiers: readonly string[]): Value {
  const { value, text } = node;
  if (value === null) {
    if (field === null) throw new ModifierError('null needs a field');
    if (modifiers.some((m) => MODIFIERS.has(m))) throw new ModifierError('null takes no modifier');
    return { kind: 'null' };
  }
  if (typeof value === 'number') return { kind: 'number', number: value, text };
  if (typeof value === 'boolean') return { kind: 'boolean', boolean: value };
  return valueOfText(value, modifiers.includes('expand'));
}

/** A keyword is searched in the values of an event, so it may stand anywhere unless a modifier says otherwise. */
function asKeyword(test: Test, modifiers: readonly string[]): Test {
  if (test.kind !== 'text' || modifiers.includes('startswith') || modifiers.includes('endswith')) return test;
  const wrapped: Token[] = [ANY, ...test.tokens, ANY];
  return { ...test, tokens: normalize(wrapped) };
}
