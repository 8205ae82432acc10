import { readFilters, type Filter } from '../rules/filter.ts';
import { entryOf, Reader } from '../rules/parse/node.ts';
import { readYaml } from '../rules/parse/yaml.ts';
import type { Placeholders } from '../rules/value/placeholders.ts';
import type { Problem } from '../problem.ts';

/**
 * Reads `filters` of a configuration, which is known to be well-formed YAML. All problems have a place.
 * @param data the configuration as plain values, not validated: it has the placeholders
 */
export function readFiltersOf(
  text: string,
  file: string,
  data: unknown,
): { filters: readonly Filter[]; problems: readonly Problem[] } {
  const { source, documents, problems } = readYaml(file, text);
  const [document] = documents;
  const node = document?.kind === 'map' ? entryOf(document, 'filters') : undefined;
  if (node === undefined) return { filters: [], problems };
  const reader = new Reader(source);
  const filters = readFilters(reader, node, placeholdersOf(data));
  return { filters: filters ?? [], problems: [...problems, ...reader.problems] };
}

/** What of `rules.placeholders` can be used; the rest is reported where the configuration is validated. */
function placeholdersOf(data: unknown): Placeholders {
  const { placeholders } = (data as { rules?: { placeholders?: unknown } | null } | null)?.rules ?? {};
  if (typeof placeholders !== 'object' || placeholders === null) return new Map();
  return new Map(
    Object.entries(placeholders).filter(
      (entry): entry is [string, string[]] =>
        Array.isArray(entry[1]) && entry[1].every((value) => typeof value === 'string'),
    ),
  );
}
