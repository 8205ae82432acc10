import { QueryError } from './errors.ts';

/** A piece of a condition, and where it begins, counted from 0. */
export interface Token {
  readonly kind: 'field' | 'word' | 'string' | 'number' | 'operator' | 'end';
  /** Words in lower case, strings without their quotes, everything else as it is written. */
  readonly text: string;
  readonly at: number;
}

const WORDS = new Set(['and', 'or', 'not', 'like', 'glob', 'in', 'is', 'null', 'has', 'true', 'false', 'now']);

/** `parent.exe`, `rules[0].title`, `container.id`. */
const FIELD = /^[A-Za-z_]\w*(?:\[\d{1,6}\]|\.[A-Za-z_]\w*)*/;
const NUMBER = /^-?\d+(?:\.\d+)?(?![\w.])/;
const DURATION = /^\d+(?:ms|s|m|h|d)\b/;
const OPERATOR = /^(?:<=|>=|<>|!=|==|[=<>(),+-])/;
const STRING = /^(?:'(?:[^']|'')*'|"(?:[^"]|"")*")/;

/** @throws {QueryError} naming the first character that begins nothing */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length;) {
    const rest = text.slice(at);
    const blank = /^\s+/.exec(rest)?.[0];
    if (blank !== undefined) {
      at += blank.length;
      continue;
    }
    const before = tokens.at(-1);
    // `now-1h`: a minus is part of a number only where no value stands before it.
    const isAfterNow = before?.text === '-' || before?.text === '+';
    const duration = isAfterNow ? DURATION.exec(rest)?.[0] : undefined;
    const number = before?.kind === 'word' && before.text === 'now' ? undefined : NUMBER.exec(rest)?.[0];
    const string = STRING.exec(rest)?.[0];
    const field = FIELD.exec(rest)?.[0];
    const operator = OPERATOR.exec(rest)?.[0];
    const found = duration ?? number ?? string ?? field ?? operator;
    if (found === undefined) throw new QueryError(`${pointer(text, at)}: expected a field, a value or an operator`);
    tokens.push(token(found, at, { duration, number, string, field }));
    at += found.length;
  }
  return [...tokens, { kind: 'end', text: 'the end', at: text.length }];
}

function token(
  found: string,
  at: number,
  { duration, number, string, field }: Record<'duration' | 'number' | 'string' | 'field', string | undefined>,
): Token {
  if (duration !== undefined || number !== undefined) return { kind: 'number', text: found, at };
  if (string !== undefined)
    return { kind: 'string', text: found.slice(1, -1).replaceAll(found[0]!.repeat(2), found[0]!), at };
  if (field === undefined) return { kind: 'operator', text: found, at };
  const word = found.toLowerCase();
  return WORDS.has(word) ? { kind: 'word', text: word, at } : { kind: 'field', text: found, at };
}

/** Where in the text something is wrong, with what stands there. */
export function pointer(text: string, at: number): string {
  const rest = text.slice(at, at + 20);
  return `at character ${at + 1}${rest === '' ? ', the end' : `, ${JSON.stringify(rest)}`}`;
}
