import { byName } from './by-name.ts';
import { fieldsOf, unknownFields } from './fields/known.ts';
import { covers, formatLogsource, type Logsource } from './parse/logsource.ts';
import type { Problem } from '../problem.ts';
import type { FilterDocument, RuleDocument, SkippedDocument } from './parse/rule.ts';

/** Finds oddities in rules that are still clear: the rules are used anyway. */

/** Ignores rules that are not in use: those for other log sources have other fields. */
export function doubtfulFields(documents: readonly RuleDocument[]): Problem[] {
  return documents.flatMap((document) =>
    unknownFields(namesIn(document)).map((message) => ({
      file: document.file,
      line: document.line,
      column: 1,
      path: PATHS[document.kind],
      message,
    })),
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

/** Finds global filters without effect on a rule that they name: it was not read, or its log source is another. */
export function unmatchedFilters(
  filters: readonly FilterDocument[],
  documents: readonly (RuleDocument | SkippedDocument)[],
): Problem[] {
  const rulesNamed = byName(
    documents.filter(({ kind }) => kind !== 'filter'),
    ({ id, name }) => [id, name].filter((own) => own !== undefined),
  );
  return filters.flatMap(({ file, line, filter: { rules }, logsource }) =>
    rules === 'any'
      ? []
      : rules.flatMap((name) => {
          const named = rulesNamed.get(name) ?? [];
          const reason = named.length === 0 ? `there is no rule "${name}"` : reasonNotToApply(named, logsource);
          return reason === undefined ? [] : [{ file, line, column: 1, path: 'filter.rules', message: reason }];
        }),
  );
}

function reasonNotToApply(
  named: readonly (RuleDocument | SkippedDocument)[],
  logsource: Logsource,
): string | undefined {
  for (const document of named) {
    if (document.kind === 'correlation') return `"${document.title}" is a correlation; name the rules that it counts`;
    if (document.logsource !== undefined && !covers(logsource, document.logsource)) {
      return `it leaves "${document.title}" as it is, whose log source is ${formatLogsource(document.logsource)}, not ${formatLogsource(logsource)}`;
    }
  }
  return undefined;
}
