import { compileRegex } from '../../../agent/rules/regex/matcher.ts';
import type { Expression, Test } from '../../../agent/rules/value/test.ts';
import { ANY, DASH, ONE, type Token } from '../../../agent/rules/value/tokens.ts';

/**
 * The obvious way: a closure for every rule, asked about every event.
 * The engine's figure is told as a ratio to this one, so that it means the same on every machine. It is not
 * careless: values are put in lower case once an event, and plain literals use the methods of strings.
 */
export class ClosureEngine {
  readonly #rules: readonly Ask[];

  constructor(expressions: readonly Expression[]) {
    this.#rules = expressions.map(compile);
  }

  match(event: Readonly<Record<string, unknown>>): number[] {
    const values: Values = { event, lower: new Map() };
    const matched: number[] = [];
    for (let i = 0; i < this.#rules.length; i++) if (this.#rules[i]!(values)) matched.push(i);
    return matched;
  }
}

interface Values {
  readonly event: Readonly<Record<string, unknown>>;
  readonly lower: Map<string, string>;
}

type Ask = (values: Values) => boolean;

function compile(expression: Expression): Ask {
  switch (expression.op) {
    case 'not': {
      const inner = compile(expression.arg);
      return (v) => !inner(v);
    }
    case 'and': {
      const args = expression.args.map(compile);
      return (v) => {
        for (const arg of args) if (!arg(v)) return false;
        return true;
      };
    }
    case 'or': {
      const args = expression.args.map(compile);
      return (v) => {
        for (const arg of args) if (arg(v)) return true;
        return false;
      };
    }
    case 'test':
      return ofField(expression.field, expression.test);
  }
}

function ofField(field: string | null, test: Test): Ask {
  if (field === null) {
    const fits = ofText(test);
    return ({ event }) => Object.values(event).some((value) => fits(String(value), String(value).toLowerCase()));
  }
  if (test.kind === 'null') return ({ event }) => event[field] === undefined || event[field] === null;
  if (test.kind === 'exists') return ({ event }) => (event[field] !== undefined) === test.wanted;
  if (test.kind === 'field') {
    return (v) => {
      const [a, b] = [lowerOf(v, field), lowerOf(v, test.field)];
      return a !== undefined && a === b;
    };
  }
  const fits = ofText(test);
  return (v) => {
    const lower = lowerOf(v, field);
    return lower !== undefined && fits(String(v.event[field]), lower);
  };
}

function lowerOf({ event, lower }: Values, field: string): string | undefined {
  let text = lower.get(field);
  if (text === undefined) {
    const value = event[field];
    if (value === undefined || value === null) return undefined;
    lower.set(field, (text = String(value).toLowerCase()));
  }
  return text;
}

function ofText(test: Test): (text: string, lower: string) => boolean {
  if (test.kind === 'regex') {
    const { test: search } = compileRegex(test.source, test);
    return (text) => search(text);
  }
  if (test.kind !== 'text') return () => false;
  const { tokens } = test;
  const open = tokens[0] === ANY;
  const ended = tokens.length > 1 && tokens.at(-1) === ANY;
  const middle = tokens.slice(open ? 1 : 0, ended ? -1 : undefined);
  if (middle.length > 1 || (middle.length === 1 && typeof middle[0] !== 'string')) {
    const regex = new RegExp(`^${tokens.map(source).join('')}$`, 'isu');
    return (text) => regex.test(text);
  }
  const literal = String(middle[0] ?? '').toLowerCase();
  if (open && ended) return (_, lower) => lower.includes(literal);
  if (open) return (_, lower) => lower.endsWith(literal);
  return ended ? (_, lower) => lower.startsWith(literal) : (_, lower) => lower === literal;
}

function source(token: Token): string {
  if (token === ANY) return '.*';
  if (token === ONE) return '.';
  if (token === DASH) return '[-/\u2013\u2014\u2015]';
  return typeof token === 'string' ? token.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&') : '';
}
