import type { Placeholders } from '../value/placeholders.ts';
import type { Expression } from '../value/test.ts';
import { readDetection } from './detection.ts';
import { describe, entryOf, type Node, type Reader } from '../../yaml/node.ts';
import { texts } from './metadata.ts';

/** The `filter` section of a global filter (filters specification v2.1). */
export interface GlobalFilter {
  /** Ids or names of rules; `any` for every rule of the log source, which pySigma has as well. */
  readonly rules: readonly string[] | 'any';
  /** Joined to each rule with AND, so an exclusion is written `condition: not selection`. */
  readonly expression: Expression;
}

/** @returns undefined when a problem was noted */
export function readGlobalFilter(reader: Reader, node: Node, placeholders: Placeholders): GlobalFilter | undefined {
  if (node.kind !== 'map') {
    reader.problem(node, `expected a map, found ${describe(node)}`);
    return undefined;
  }
  const names = entryOf(node, 'rules');
  const any = names?.kind === 'scalar' && names.text.toLowerCase() === 'any';
  const rules = any ? 'any' : texts(reader, node, 'rules');
  if (rules.length === 0) reader.problem(node, 'the rules are missing: a list of ids or names, or "any"');
  const expression = readDetection(reader, node, node, placeholders, ['rules']);
  return expression === undefined || rules.length === 0 ? undefined : { rules, expression };
}
