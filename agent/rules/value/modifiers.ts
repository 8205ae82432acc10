import { compileRegex } from '../regex/matcher.ts';
import { RegexError } from '../regex/parse.ts';
import { parseNetwork } from './cidr.ts';
import type { Decimal } from './decimal.ts';
import { toBase64, toBase64Offsets, toUtf16 } from './encode.ts';
import { ModifierError } from './modifier-error.ts';
import { isSearchable, MAX_PIECE } from './pieces.ts';
import { cutExpression, cutPlaceholders, expandPlaceholders, type Placeholders } from './placeholders.ts';
import type { CompareTest, FieldTest, RegexTest, Test } from './test.ts';
import { TIME_PARTS, type TimePart } from './time-part.ts';
import { ANY, literalText, normalize, parseTokens, type Token } from './tokens.ts';
import { markDashes, spellings } from './windash.ts';

/** A value on its way through the modifiers of its field. */
export type Value =
  | {
      readonly kind: 'text';
      readonly tokens: readonly Token[];
      readonly cased: boolean;
      readonly bytes: boolean;
      readonly source: string;
    }
  | { readonly kind: 'number'; readonly number: number; readonly text: string }
  | { readonly kind: 'boolean'; readonly boolean: boolean }
  | { readonly kind: 'null' }
  | { readonly kind: 'part'; readonly part: TimePart; readonly number: number }
  | { readonly kind: 'test'; readonly test: Exclude<Test, { kind: 'null' | 'text' }> };

type Text = Extract<Value, { kind: 'text' }>;

interface ModifierContext {
  /** Modifiers that came before this one. */
  readonly applied: readonly string[];
  readonly field: string | null;
  readonly placeholders: Placeholders;
}

/** One value in, its alternatives out. Alternatives of one value are always linked with OR, also under `all`. */
type Modifier = (value: Value, context: ModifierContext) => Value[];

const asText = (value: Value, needs: string): Text => {
  if (value.kind === 'text') return value;
  // "All values are treated as case-insensitive strings" (specification, General).
  if (value.kind === 'number') return textValue([value.text], value.text);
  if (value.kind === 'boolean') return textValue([String(value.boolean)], String(value.boolean));
  throw new ModifierError(needs);
};

const textValue = (tokens: readonly Token[], source: string): Text => ({
  kind: 'text',
  tokens,
  cased: false,
  bytes: false,
  source,
});

/** @param expands whether `expand` is among the modifiers: only then `%name%` is a placeholder */
export function valueOfText(text: string, expands = false): Text {
  return textValue(expands ? cutPlaceholders(parseTokens(text, true)) : parseTokens(text), text);
}

const around =
  (before: boolean, after: boolean, name: string): Modifier =>
  (value) => {
    if (value.kind === 'test' && value.test.kind === 'regex') return [test(anchored(value.test, before, after))];
    if (value.kind === 'test' && value.test.kind === 'field') {
      const field: FieldTest = { ...value.test, before: value.test.before || before, after: value.test.after || after };
      return [test(field)];
    }
    const text = asText(value, `${name} needs text, a regular expression or a field reference`);
    return [
      { ...text, tokens: normalize([...(before ? [ANY] : []), ...text.tokens, ...(after ? [ANY] : [])] as Token[]) },
    ];
  };

/** An expression is searched, so `contains` changes nothing; the other two tie it to an end. */
function anchored(regex: RegexTest, before: boolean, after: boolean): RegexTest {
  if (before && after) return regex;
  return { ...regex, source: before ? `(?:${regex.source})$` : `^(?:${regex.source})` };
}

const test = (t: Extract<Value, { kind: 'test' }>['test']): Value => ({ kind: 'test', test: t });

const mapText =
  (name: string, change: (text: Text) => Value[]): Modifier =>
  (value) =>
    change(asText(value, `${name} needs text`));

const bytesOf = (name: string, change: (text: string, isBytes: boolean) => string[]): Modifier =>
  mapText(name, (text) => {
    return spellings(text.tokens).flatMap((tokens) => {
      const literal = literalText(tokens);
      if (literal === undefined)
        throw new ModifierError(
          `${name} needs text without wildcards; put it before contains, startswith and endswith`,
        );
      return change(literal, text.bytes).map((encoded) => ({
        ...text,
        tokens: encoded === '' ? [] : [encoded],
        bytes: false,
      }));
    });
  });

const utf16 = (name: string, order: 'le' | 'be', mark: boolean): Modifier =>
  mapText(name, (text) => {
    // Wildcards stay between the encoded pieces, as `wide|contains` and `contains|wide` both mean.
    return spellings(text.tokens).map((tokens) => ({
      ...text,
      tokens: tokens.map((t, i) => (typeof t === 'string' ? toUtf16(t, order, mark && i === 0) : t)),
      bytes: true,
    }));
  });

const flag =
  (name: 'ignoreCase' | 'multiline' | 'dotAll'): Modifier =>
  (value) => {
    if (value.kind !== 'test' || value.test.kind !== 'regex') throw new ModifierError('i, m and s follow re');
    return [test({ ...value.test, [name]: true })];
  };

const compare =
  (op: CompareTest['op']): Modifier =>
  (value) => {
    if (value.kind === 'number')
      return [test({ kind: 'compare', op, number: { number: value.number, text: value.text } })];
    if (value.kind === 'part') return [test({ kind: 'compare', op, number: exactly(value.number), part: value.part })];
    throw new ModifierError(`${op} needs a number without quotation marks`);
  };

const exactly = (number: number): Decimal => ({ number, text: String(number) });

const part =
  (name: TimePart): Modifier =>
  (value) => {
    if (value.kind !== 'number') throw new ModifierError(`${name} needs a number without quotation marks`);
    const [least, most] = TIME_PARTS[name];
    if (!Number.isInteger(value.number) || value.number < least || value.number > most) {
      throw new ModifierError(`${name} is a whole number from ${least} to ${most}`);
    }
    return [{ kind: 'part', part: name, number: value.number }];
  };

const first = (name: string, context: ModifierContext): void => {
  if (context.applied.length > 0) throw new ModifierError(`${name} must be the first modifier`);
};

const re: Modifier = (value, context) => {
  first('re', context);
  const { source } = asText(value, 're needs text');
  return [test({ kind: 'regex', source, ignoreCase: false, multiline: false, dotAll: false })];
};

const cidr: Modifier = (value, context) => {
  first('cidr', context);
  const network = parseNetwork(asText(value, 'cidr needs text').source);
  if (typeof network === 'string') throw new ModifierError(network);
  return [test({ kind: 'cidr', network })];
};

const exists: Modifier = (value, context) => {
  first('exists', context);
  if (context.field === null) throw new ModifierError('exists needs a field');
  if (value.kind !== 'boolean') throw new ModifierError('exists is true or false');
  return [test({ kind: 'exists', wanted: value.boolean })];
};

const fieldref: Modifier = (value, context) => {
  if (context.field === null) throw new ModifierError('fieldref needs a field');
  const text = asText(value, 'fieldref needs the name of a field');
  const field = literalText(text.tokens);
  if (field === undefined || field === '')
    throw new ModifierError('fieldref needs the name of a field, without wildcards');
  return [test({ kind: 'field', field, before: false, after: false, cased: text.cased })];
};

const cased: Modifier = (value) => {
  if (value.kind === 'test' && value.test.kind === 'field') return [test({ ...value.test, cased: true })];
  return [{ ...asText(value, 'cased needs text'), cased: true }];
};

const expand: Modifier = (value, context) => {
  if (value.kind === 'test' && value.test.kind === 'regex') {
    const { test: regex } = value as { test: RegexTest };
    return expandPlaceholders(cutExpression(regex.source), context.placeholders, (v) => [v]).map((tokens) =>
      test({ ...regex, source: tokens.join('') }),
    );
  }
  const text = asText(value, 'expand needs text');
  return expandPlaceholders(text.tokens, context.placeholders, (inserted) => parseTokens(inserted)).map((tokens) => ({
    ...text,
    tokens: normalize(tokens),
  }));
};

const base64offset = bytesOf('base64offset', (text, isBytes) => {
  const found = toBase64Offsets(text, isBytes);
  // One byte alone leaves no character that is the same in every neighbourhood.
  if (found.includes('')) throw new ModifierError('base64offset needs at least two bytes');
  return found;
});

/** Every modifier of the specification (appendix "Modifiers", v2.1), with pySigma's long names of the flags. */
export const MODIFIERS: ReadonlyMap<string, Modifier> = new Map<string, Modifier>([
  ['contains', around(true, true, 'contains')],
  ['startswith', around(false, true, 'startswith')],
  ['endswith', around(true, false, 'endswith')],
  ['exists', exists],
  ['cased', cased],
  ['windash', mapText('windash', (text) => [{ ...text, tokens: markDashes(text.tokens) }])],
  ['re', re],
  ['i', flag('ignoreCase')],
  ['ignorecase', flag('ignoreCase')],
  ['m', flag('multiline')],
  ['multiline', flag('multiline')],
  ['s', flag('dotAll')],
  ['dotall', flag('dotAll')],
  ['base64', bytesOf('base64', (text, isBytes) => [toBase64(text, isBytes)])],
  ['base64offset', base64offset],
  ['wide', utf16('wide', 'le', false)],
  ['utf16le', utf16('utf16le', 'le', false)],
  ['utf16be', utf16('utf16be', 'be', false)],
  ['utf16', utf16('utf16', 'le', true)],
  ['lt', compare('lt')],
  ['lte', compare('lte')],
  ['gt', compare('gt')],
  ['gte', compare('gte')],
  ['minute', part('minute')],
  ['hour', part('hour')],
  ['day', part('day')],
  ['week', part('week')],
  ['month', part('month')],
  ['year', part('year')],
  ['cidr', cidr],
  ['expand', expand],
  ['fieldref', fieldref],
]);

/** Modifiers of the whole list, not of its values: AND instead of OR, and NOT around it all. */
export const LIST_MODIFIERS: ReadonlySet<string> = new Set(['all', 'neq']);

/** Returns the value after all modifiers. @throws {ModifierError} for a faulty regular expression */
export function finish(value: Value): Test {
  switch (value.kind) {
    case 'test':
      return value.test.kind === 'regex' ? withMatcher(value.test) : value.test;
    case 'null':
      return { kind: 'null' };
    case 'part':
      return { kind: 'compare', op: 'eq', number: exactly(value.number), part: value.part };
    default: {
      const { tokens, cased: isCased } = asText(value, '');
      if (!isSearchable(tokens))
        throw new ModifierError(
          `more than ${MAX_PIECE} characters with "?" among them and no "*"; they cannot be searched for in bounded time`,
        );
      return { kind: 'text', tokens, cased: isCased };
    }
  }
}

function withMatcher(regex: RegexTest): RegexTest {
  try {
    return { ...regex, matcher: compileRegex(regex.source, regex) };
  } catch (error) {
    if (error instanceof RegexError) throw new ModifierError(error.message);
    throw error;
  }
}
