import { fieldsOf, unknownFields } from './fields/known.ts';
import type { Problem } from './parse/problem.ts';
import type { FilterDocument, RuleDocument } from './parse/rule.ts';

/** What is odd about rules, but clear: they are used all the same. */

/** Rules that are not in use are not looked at: those for other log sources have other fields. */
export function doubtfulFields(documents: readonly RuleDocument[]): Problem[] {
  return documents.flatMap((document) =>
    unknownFields(namesIn(document)).map((message) => ({ file: document.file, line: document.line, column: 1, path: PATHS[document.kind], message })),
  );
}

const PATHS = { rule: 'detection', filter: 'filter', correlation: 'correlation' } as const;

function namesIn(document: RuleDocument): ReadonlySet<string> {
  switch (document.kind) {
    case 'rule':
      return fieldsOf(document.expression);
    case 'filter':
      return fieldsOf(document.filter.expression);
    case 'correlation': {
      const { groupBy, fields, aliases } = document.correlation;
      const own = [...groupBy, ...fields].filter((name) => !aliases.has(name));
      return new Set([...own, ...[...aliases.values()].flatMap((mapping) => [...mapping.values()])]);
    }
  }
}

/** Global filters for rules that were not read. */
export function unmatchedFilters(filters: readonly FilterDocument[], documents: readonly RuleDocument[]): Problem[] {
  const known = new Set(documents.flatMap((d) => [d.id, d.name]));
  return filters.flatMap(({ file, line, filter: { rules } }) =>
    rules === 'any'
      ? []
      : rules
          .filter((name) => !known.has(name))
          .map((name) => ({ file, line, column: 1, path: 'filter.rules', message: `there is no rule "${name}"` })),
  );
}
