import { EXEC_FIELDS } from '../../../shared/events/exec.ts';
import { didYouMean } from '../../values/suggest.ts';
import type { Expression } from '../value/test.ts';
import { canLackValues } from './incomplete.ts';
import { FIELDS } from './table.ts';

const SIGMA_NAMES = new Set(FIELDS.map(({ sigma }) => sigma));
const NAMES = [...SIGMA_NAMES, ...Object.keys(EXEC_FIELDS)];

/** Returns every field that an expression reads, including fields that it compares with. */
export function fieldsOf(expression: Expression, found = new Set<string>()): ReadonlySet<string> {
  if (expression.op === 'not') fieldsOf(expression.arg, found);
  else if (expression.op !== 'test') for (const arg of expression.args) fieldsOf(arg, found);
  else {
    if (expression.field !== null) found.add(expression.field);
    if (expression.test.kind === 'field') found.add(expression.test.field);
  }
  return found;
}

/** Whether one of the fields is about the environment, which a helper tells only where it is asked for it (`--env`). */
export function readsEnvironment(fields: Iterable<string>): boolean {
  return [...fields].some(canLackValues);
}

/**
 * Reports field names that no event has on any system: a rule that needs one cannot match. Names are case-sensitive.
 * Of a name with dots, only the first part counts.
 */
export function unknownFields(names: Iterable<string>): string[] {
  return [...names]
    .filter((name) => !SIGMA_NAMES.has(name) && !Object.hasOwn(EXEC_FIELDS, name.split('.', 1)[0]!))
    .map((name) => `no event has a field "${name}"${didYouMean(name, NAMES)}`);
}
