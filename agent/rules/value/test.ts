import type { RegexMatcher } from '../regex/matcher.ts';
import type { Flags } from '../regex/parse.ts';
import type { Network } from './cidr.ts';
import type { Decimal } from './decimal.ts';
import type { TimePart } from './time-part.ts';
import type { Token } from './tokens.ts';

/** The test of one rule value on one event value, after all modifiers. */
export type Test =
  | TextTest
  | RegexTest
  | { readonly kind: 'cidr'; readonly network: Network }
  /** The field is there, whatever it holds; or it is not. */
  | { readonly kind: 'exists'; readonly wanted: boolean }
  /** The field is missing or null. */
  | { readonly kind: 'null' }
  | CompareTest
  | FieldTest;

/** The whole value fits the pattern. */
interface TextTest {
  readonly kind: 'text';
  readonly tokens: readonly Token[];
  readonly cased: boolean;
}

/** The expression is found anywhere in the value. */
export interface RegexTest extends Flags {
  readonly kind: 'regex';
  readonly source: string;
  /** Made when the rule is read, so that a faulty expression is reported at its place. */
  readonly matcher?: RegexMatcher;
}

export interface CompareTest {
  readonly kind: 'compare';
  readonly op: 'lt' | 'lte' | 'gt' | 'gte' | 'eq';
  readonly number: Decimal;
  /** The part of a date to compare; absent for the number itself. */
  readonly part?: TimePart;
}

/** The value equals, starts with, ends with or contains the value of another field of the event. */
export interface FieldTest {
  readonly kind: 'field';
  readonly field: string;
  /** Text may precede or follow the other field's value. */
  readonly before: boolean;
  readonly after: boolean;
  readonly cased: boolean;
}

/** The part of a rule's text that an expression stands for. Explanations name it; matching never reads it. */
export type Origin =
  | {
      /** `of` is a selector such as `1 of selection_*`, `filter` a global filter, `search` a search identifier. */
      readonly part: 'condition' | 'filter' | 'of' | 'search' | 'item';
      /** As written; of an item its key, `Image|endswith`, which is empty for a keyword; of a filter its title. */
      readonly text: string;
    }
  /** A value of an item, before its modifiers. */
  | { readonly part: 'value'; readonly value: string | number | boolean | null };

interface Written {
  /** From the outside in: a search that holds one item with one value has three. */
  readonly origins?: readonly Origin[];
}

/** A condition over tests. `field: null` is a keyword: any value of the event may fit. */
export type Expression = Written &
  (
    | { readonly op: 'and' | 'or'; readonly args: readonly Expression[] }
    | { readonly op: 'not'; readonly arg: Expression }
    | { readonly op: 'test'; readonly field: string | null; readonly test: Test }
  );

/** The same expression, known to stand for a part of the rule's text. */
export function writtenAs(origin: Origin, expression: Expression): Expression {
  return { ...expression, origins: [origin, ...(expression.origins ?? [])] };
}
