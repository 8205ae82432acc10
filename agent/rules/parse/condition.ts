import { writtenAs, type Expression } from '../value/test.ts';
import { linked } from './item.ts';
import { MAX_RULE_TESTS, sizeOf, type Room } from './room.ts';
import type { Reader, ScalarNode } from '../../yaml/node.ts';
import { didYouMean } from '../../values/suggest.ts';

/** Parentheses and `not` inside each other. */
const MAX_DEPTH = 100;

/** Characters of a name or a pattern of names. */
export const MAX_NAME = 256;

interface Word {
  readonly text: string;
  /** Of its first character in the condition. */
  readonly at: number;
}

/**
 * A condition: `or` binds least, then `and`, then `not`, then `1 of` and
 * `all of`, then parentheses (specification, "Condition"). Names that it uses are added to `used`.
 * @returns undefined when a problem was noted, or an identifier was already faulty
 */
export function readCondition(
  reader: Reader,
  node: ScalarNode,
  identifiers: ReadonlyMap<string, Expression | undefined>,
  used: Set<string>,
  room: Room,
): Expression | undefined {
  try {
    return new Parser(String(node.value), identifiers, used, room).parse();
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    reader.problem(node, error.message, node.verbatim ? node.offset + error.at : node.offset);
    return undefined;
  }
}

class ConditionError extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

class Parser {
  readonly #text: string;
  readonly #words: readonly Word[];
  readonly #identifiers: ReadonlyMap<string, Expression | undefined>;
  readonly #used: Set<string>;
  readonly #room: Room;
  #next = 0;
  #depth = 0;
  #faulty = false;

  constructor(text: string, identifiers: ReadonlyMap<string, Expression | undefined>, used: Set<string>, room: Room) {
    this.#text = text;
    this.#words = words(text);
    this.#identifiers = identifiers;
    this.#used = used;
    this.#room = room;
  }

  parse(): Expression | undefined {
    const expression = this.#binary('or', () => this.#binary('and', () => this.#unary()));
    const rest = this.#words[this.#next];
    if (rest !== undefined) throw new ConditionError(`expected "and", "or" or the end, found "${rest.text}"`, rest.at);
    return this.#faulty ? undefined : writtenAs({ part: 'condition', text: this.#text.trim() }, expression);
  }

  #binary(op: 'and' | 'or', operand: () => Expression): Expression {
    const args = [operand()];
    while (this.#take(op)) args.push(operand());
    return linked(op, args);
  }

  #unary(): Expression {
    if (++this.#depth > MAX_DEPTH) throw new ConditionError(`nested deeper than ${MAX_DEPTH} levels`, this.#at());
    const expression = this.#take('not') ? ({ op: 'not', arg: this.#unary() } as const) : this.#operand();
    this.#depth--;
    return expression;
  }

  #operand(): Expression {
    const at = this.#at();
    const word = this.#words[this.#next++];
    if (word === undefined) throw new ConditionError('the condition ends too early', at);
    if (word.text === '(') {
      const inner = this.#binary('or', () => this.#binary('and', () => this.#unary()));
      if (!this.#take(')')) throw new ConditionError('expected ")"', this.#at());
      return inner;
    }
    if (this.#words[this.#next]?.text.toLowerCase() === 'of') return this.#selector(word);
    if (/^(?:and|or|not|of|\))$/i.test(word.text))
      throw new ConditionError(`expected a search identifier, found "${word.text}"`, at);
    if (!this.#identifiers.has(word.text)) {
      throw new ConditionError(
        `unknown search identifier "${word.text}"${didYouMean(word.text, this.#identifiers.keys())}`,
        at,
      );
    }
    return this.#use(word.text, at);
  }

  /** `1 of them`, `all of selection_*`. Names that begin with `_` are left out unless the pattern does, too. */
  #selector(quantifier: Word): Expression {
    const count = quantifier.text.toLowerCase();
    if (count !== '1' && count !== 'any' && count !== 'all') {
      throw new ConditionError(`expected "1 of", "any of" or "all of", found "${quantifier.text} of"`, quantifier.at);
    }
    this.#next++;
    const pattern = this.#words[this.#next++];
    if (pattern === undefined || /^[()]$/.test(pattern.text)) {
      throw new ConditionError(
        'expected "them" or a pattern of search identifiers after "of"',
        pattern?.at ?? this.#text.length,
      );
    }
    // Each identifier is asked whether it fits.
    this.#takeRoom(this.#identifiers.size, pattern.at);
    const everything = pattern.text.toLowerCase() === 'them';
    const names = [...this.#identifiers.keys()].filter(
      (name) => (everything || fits(name, pattern.text)) && (!name.startsWith('_') || pattern.text.startsWith('_')),
    );
    if (names.length === 0) throw new ConditionError(`no search identifier fits "${pattern.text}"`, pattern.at);
    return writtenAs(
      { part: 'of', text: `${quantifier.text} of ${pattern.text}` },
      linked(
        count === 'all' ? 'and' : 'or',
        names.map((name) => this.#use(name, pattern.at)),
      ),
    );
  }

  #use(name: string, at: number): Expression {
    this.#used.add(name);
    const expression = this.#identifiers.get(name);
    this.#takeRoom(expression === undefined ? 1 : sizeOf(expression), at);
    if (expression !== undefined) return writtenAs({ part: 'search', text: name }, expression);
    this.#faulty = true;
    return { op: 'or', args: [] };
  }

  #takeRoom(size: number, at: number): void {
    if (!this.#room.take(size))
      throw new ConditionError(`more than ${MAX_RULE_TESTS} tests up to here; split the rule`, at);
  }

  #take(word: string): boolean {
    if (this.#words[this.#next]?.text.toLowerCase() !== word) return false;
    this.#next++;
    return true;
  }

  #at(): number {
    return this.#words[this.#next]?.at ?? this.#text.length;
  }
}

function words(text: string): Word[] {
  const found: Word[] = [];
  for (const { 0: word, index } of text.matchAll(/[()]|[^\s()]+/g)) {
    if (word.includes('|')) {
      throw new ConditionError(
        'aggregations after "|" are not Sigma any more; write a correlation rule instead',
        index + word.indexOf('|'),
      );
    }
    if (!/^(?:[()]|[\w*.-]+)$/.test(word)) throw new ConditionError(`unexpected "${word}"`, index);
    if (word.length > MAX_NAME)
      throw new ConditionError(`a name of ${word.length} characters; at most ${MAX_NAME} are read`, index);
    found.push({ text: word, at: index });
  }
  return found;
}

/** `*` in a pattern of names stands for any number of characters, anywhere. */
function fits(name: string, pattern: string): boolean {
  const [head, ...rest] = pattern.split('*') as [string, ...string[]];
  const tail = rest.pop();
  if (tail === undefined) return name === head;
  if (!name.startsWith(head) || !name.endsWith(tail) || name.length < head.length + tail.length) return false;
  let at = head.length;
  for (const piece of rest) {
    const found = name.indexOf(piece, at);
    if (found < 0 || found + piece.length > name.length - tail.length) return false;
    at = found + piece.length;
  }
  return true;
}
