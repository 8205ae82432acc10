import * as z from 'zod';
import { formatPath, formatValue, type Problem } from '../problem.ts';
import type { Places } from '../yaml/places.ts';
import { suggest } from '../values/suggest.ts';

type Unplaced = Pick<Problem, 'line' | 'column' | 'path' | 'message'>;

/** Collects the valid keys of each refused object while zod validates: its issues do not name them. */
export class KnownKeys {
  readonly #byInput = new Map<unknown, string[]>();

  /** Pass this to zod as the error map of one parse. */
  readonly errorMap: z.core.$ZodErrorMap = (issue) => {
    if (issue.code === 'unrecognized_keys' && issue.inst instanceof z.ZodObject) {
      this.#byInput.set(issue.input, Object.keys(issue.inst.shape));
    }
    return undefined;
  };

  of(input: unknown): string[] {
    return this.#byInput.get(input) ?? [];
  }
}

/** Turns one zod issue into problems that name the value found, the value expected and the likely intent. */
export function explainIssue(issue: z.core.$ZodIssue, known: KnownKeys, places: Places): Unplaced[] {
  if (issue.code === 'unrecognized_keys') {
    const keys = known.of(issue.input);
    return issue.keys.map((key) => ({
      ...places.ofKey(issue.path, key),
      path: formatPath([...issue.path, key]),
      message: `unknown key${hint(key, keys)}`,
    }));
  }
  return [{ ...places.ofValue(issue.path), path: formatPath(issue.path), message: explainValue(issue) }];
}

function explainValue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_union' && 'discriminator' in issue && issue.discriminator !== undefined) {
    const names = 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
    const input = issue.input as Record<string, unknown>;
    return expectedOneOf(names, input[issue.discriminator]);
  }
  if (issue.code === 'invalid_value') return expectedOneOf(issue.values.map(String), issue.input);
  if (issue.input === undefined)
    return issue.code === 'invalid_type' ? `missing; expected ${nounOf(issue)}` : 'missing';
  const expected = issue.code === 'invalid_type' ? `expected ${nounOf(issue)}` : issue.message;
  return `${expected}, got ${formatValue(issue.input)}`;
}

function nounOf(issue: z.core.$ZodIssueInvalidType): string {
  const noun = NOUNS[issue.expected];
  return issue.message.startsWith('expected ') ? issue.message.slice('expected '.length) : (noun ?? issue.expected);
}

const NOUNS: Readonly<Record<string, string>> = {
  object: 'a map of keys',
  array: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

function expectedOneOf(names: readonly string[], got: unknown): string {
  const list = names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} or ${names.at(-1)!}`;
  if (got === undefined) return `missing; expected ${list}`;
  return `expected ${list}, got ${formatValue(got)}${typeof got === 'string' ? hint(got, names) : ''}`;
}

function hint(word: string, candidates: readonly string[]): string {
  const meant = suggest(word, candidates);
  return meant === undefined ? '' : `, did you mean ${meant}?`;
}
