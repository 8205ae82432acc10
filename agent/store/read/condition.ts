import { parseDuration } from '../../values/quantities.ts';
import { microseconds } from '../row.ts';
import { QueryError } from './errors.ts';
import { pointer, tokensOf, type Token } from './lexer.ts';

/** A condition as SQL over `r` (records) and `l` (lines), with `?` for each of `values`. */
export interface Condition {
  readonly sql: string;
  readonly values: ReadonlyArray<string | number>;
  /** Whether it names the field `type`. */
  readonly namesType: boolean;
  /** Matching lines have a time from `from` to `to`, in microseconds since 1970; absent where the condition does not say. */
  readonly from?: number;
  readonly to?: number;
}

const MAX_LENGTH = 8192;
/** Parentheses and `not` within each other. */
const MAX_DEPTH = 50;

/** Fields with a column of their own; all others are taken out of the line. */
const COLUMNS: ReadonlyMap<string, string> = new Map([
  ['time', 'r.time_us'],
  ['type', 'r.type'],
  ['seq', 'r.seq'],
  ['pid', 'r.pid'],
  ['start_time', 'r.start_time'],
  ['parent.pid', 'r.parent_pid'],
  ['parent.start_time', 'r.parent_start_time'],
  ['uid', 'r.uid'],
  ['exe', 'r.exe'],
  ['command', 'r.command'],
]);

const COMPARISONS: ReadonlyMap<string, string> = new Map([
  ['=', '='],
  ['==', '='],
  ['!=', '<>'],
  ['<>', '<>'],
  ['<', '<'],
  ['<=', '<='],
  ['>', '>'],
  ['>=', '>='],
]);

interface Range {
  from?: number;
  to?: number;
}

/**
 * Translates a condition such as `exe like '%curl%' and time > now-1h`. Values become parameters, and fields either one of
 * our columns or a path in the line, which is a parameter too: nothing of the text gets into the SQL.
 *
 *     condition  = and-part { "or" and-part }
 *     and-part   = part { "and" part }
 *     part       = "not" part | "(" condition ")" | field test
 *     test       = comparison value | ["not"] "like" value | ["not"] "glob" value
 *                | ["not"] "in" "(" value { "," value } ")" | "is" ["not"] "null" | "has" value
 *     comparison = "=" | "!=" | "<" | "<=" | ">" | ">="
 *     value      = 'text' | number | "true" | "false" | "now" [("-" | "+") duration]
 *
 * @param now milliseconds since 1970
 * @throws {QueryError} naming the place
 */
export function conditionOf(text: string, now: number): Condition {
  if (text.length > MAX_LENGTH)
    throw new QueryError(`the condition has ${text.length} characters; at most ${MAX_LENGTH} are read`);
  return new Parser(text, now).parse();
}

class Parser {
  readonly #text: string;
  readonly #now: number;
  readonly #tokens: readonly Token[];
  readonly #values: (string | number)[] = [];
  #at = 0;
  #depth = 0;
  #namesType = false;

  constructor(text: string, now: number) {
    this.#text = text;
    this.#now = now;
    this.#tokens = tokensOf(text);
  }

  parse(): Condition {
    const range: Range = {};
    const sql = this.#or(range);
    this.#expect('end', 'the end', 'expected "and", "or" or the end');
    return { sql, values: this.#values, namesType: this.#namesType, ...range };
  }

  get #token(): Token {
    return this.#tokens[this.#at]!;
  }

  #takes(text: string, kind: Token['kind'] = 'word'): boolean {
    const { text: found, kind: foundKind } = this.#token;
    if (found !== text || foundKind !== kind) return false;
    this.#at++;
    return true;
  }

  #expect(kind: Token['kind'], text: string, message: string): void {
    if (!this.#takes(text, kind)) throw this.#error(message);
  }

  #error(message: string, { at } = this.#token): QueryError {
    return new QueryError(`${pointer(this.#text, at)}: ${message}`);
  }

  #or(range: Range): string {
    const own: Range = {};
    const parts = [this.#and(own)];
    while (this.#takes('or')) parts.push(this.#and({}));
    // Of several alternatives, none alone says when.
    if (parts.length === 1) Object.assign(range, narrowed(range, own));
    return parts.length === 1 ? parts[0]! : `(${parts.join(' OR ')})`;
  }

  #and(range: Range): string {
    const parts = [this.#part(range)];
    while (this.#takes('and')) parts.push(this.#part(range));
    return parts.length === 1 ? parts[0]! : `(${parts.join(' AND ')})`;
  }

  #part(range: Range): string {
    if (++this.#depth > MAX_DEPTH) throw this.#error(`at most ${MAX_DEPTH} parentheses lie within each other`);
    try {
      // A line that does not match may also lack the field, as people expect of "not".
      if (this.#takes('not')) return `NOT coalesce(${this.#part({})}, 0)`;
      if (this.#takes('(', 'operator')) {
        const sql = this.#or(range);
        this.#expect('operator', ')', 'expected ")"');
        return sql;
      }
      return this.#test(range);
    } finally {
      this.#depth--;
    }
  }

  #test(range: Range): string {
    const field = this.#token;
    if (field.kind !== 'field') throw this.#error('expected a field, such as exe or parent.pid; text stands in quotes');
    this.#at++;
    if (field.text === 'type') this.#namesType = true;
    const isTime = field.text === 'time';
    const operator = this.#token;
    const comparison = operator.kind === 'operator' ? COMPARISONS.get(operator.text) : undefined;
    if (comparison !== undefined) {
      this.#at++;
      return this.#compared(field.text, comparison, isTime, range);
    }
    if (this.#takes('is')) {
      const not = this.#takes('not') ? ' NOT' : '';
      this.#expect('word', 'null', 'expected "null"');
      return `${this.#field(field.text)} IS${not} NULL`;
    }
    if (this.#takes('has')) return this.#has(field);
    const not = this.#takes('not') ? 'NOT ' : '';
    if (this.#takes('like')) return this.#pattern(field, `${not}LIKE`);
    if (this.#takes('glob')) return this.#pattern(field, `${not}GLOB`);
    if (this.#takes('in')) return this.#in(field.text, not, isTime);
    throw this.#error('expected =, !=, <, <=, >, >=, like, glob, in, is or has');
  }

  #compared(field: string, comparison: string, isTime: boolean, range: Range): string {
    const column = this.#field(field);
    const value = this.#value(isTime);
    if (isTime && typeof value === 'number') {
      const isFrom = comparison.startsWith('>') || comparison === '=';
      const isTo = (comparison.startsWith('<') && comparison !== '<>') || comparison === '=';
      Object.assign(range, narrowed(range, { ...(isFrom && { from: value }), ...(isTo && { to: value }) }));
    }
    return `${column} ${comparison} ${this.#bind(value)}`;
  }

  #pattern(field: Token, operator: string): string {
    if (field.text === 'time') throw this.#error('a time is compared: time > now-1h', field);
    const column = this.#field(field.text);
    if (this.#token.kind !== 'string') throw this.#error("expected a pattern in quotes, such as '%curl%'");
    return `${column} ${operator} ${this.#bind(this.#value(false))}`;
  }

  #in(field: string, not: string, isTime: boolean): string {
    const column = this.#field(field);
    this.#expect('operator', '(', 'expected "("');
    const values = [this.#bind(this.#value(isTime))];
    while (this.#takes(',', 'operator')) values.push(this.#bind(this.#value(isTime)));
    this.#expect('operator', ')', 'expected "," or ")"');
    return `${column} ${not}IN (${values.join(', ')})`;
  }

  /** Whether an array of the line has an element. */
  #has(field: Token): string {
    this.#values.push(pathOf(field.text));
    return `EXISTS (SELECT 1 FROM json_each(l.line, ?) AS element WHERE element.value = ${this.#bind(this.#value(false))})`;
  }

  #field(name: string): string {
    const column = COLUMNS.get(name);
    if (column !== undefined) return column;
    this.#values.push(pathOf(name));
    return '(l.line ->> ?)';
  }

  #bind(value: string | number): string {
    this.#values.push(value);
    return '?';
  }

  #value(isTime: boolean): string | number {
    const token = this.#token;
    this.#at++;
    if (token.kind === 'word' && token.text === 'now') {
      if (!isTime) throw this.#error('"now" is a time, and is compared with the field time', token);
      return this.#timeFromNow();
    }
    if (token.kind === 'string') {
      if (!isTime) return token.text;
      const time = microseconds(token.text);
      if (time === null) throw this.#error("expected a time: now, now-1h, or '2026-01-31T08:00:00Z'", token);
      return time;
    }
    if (isTime) throw this.#error("expected a time: now, now-1h, or '2026-01-31T08:00:00Z'", token);
    if (token.kind === 'number' && Number.isFinite(Number(token.text))) return Number(token.text);
    // As SQLite takes them out of JSON.
    if (token.kind === 'word' && (token.text === 'true' || token.text === 'false'))
      return token.text === 'true' ? 1 : 0;
    throw this.#error('expected a value: a number, or text in quotes', token);
  }

  #timeFromNow(): number {
    const now = this.#now * 1000;
    const sign = this.#takes('-', 'operator') ? -1 : this.#takes('+', 'operator') ? 1 : 0;
    if (sign === 0) return now;
    const token = this.#token;
    const duration = parseDuration(token.text);
    if (duration === undefined) throw this.#error('expected a duration with its unit: ms, s, m, h or d, such as 1h');
    this.#at++;
    return now + sign * duration * 1000;
  }
}

/** A field as a path of SQLite's JSON functions. */
const pathOf = (field: string): string => `$.${field}`;

function narrowed(a: Range, b: Range): Range {
  const from = a.from === undefined ? b.from : Math.max(a.from, b.from ?? a.from);
  const to = a.to === undefined ? b.to : Math.min(a.to, b.to ?? a.to);
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}
