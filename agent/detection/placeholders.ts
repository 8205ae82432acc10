import { reasonOf, systemCode } from '../errors.ts';
import { readBoundedSync } from '../files/read-bounded.ts';
import { formatProblem } from '../problem.ts';
import type { Placeholders } from '../rules/value/placeholders.ts';
import { describe, Reader, type Node } from '../yaml/node.ts';
import { readYaml } from '../yaml/read.ts';
import { textOf } from '../yaml/text.ts';
import { MAX_RULE_FILE_BYTES } from './limits.ts';

/** A file of placeholders that cannot be used; the message has a line for each reason. */
export class PlaceholdersError extends Error {
  override readonly name = 'PlaceholdersError';
}

/**
 * Reads values of `%name%` from a separate file: a map from each name to a list of texts, like `rules.placeholders`.
 * @throws {PlaceholdersError}
 */
export function readPlaceholders(file: string): Placeholders {
  const { source, documents, problems } = readYaml(file, readBounded(file));
  const reader = new Reader(source);
  const [document, second] = documents;
  if (second !== undefined)
    reader.problem(second, 'another document begins here; the file must hold a single document');
  const values = document === undefined ? new Map<string, string[]>() : valuesOf(reader, document);
  const all = [...problems, ...reader.problems];
  if (all.length > 0) throw new PlaceholdersError(all.map(formatProblem).join('\n'));
  return values;
}

function valuesOf(reader: Reader, node: Node): Map<string, string[]> {
  if (node.kind !== 'map') {
    reader.problem(node, `expected a map from names to lists of values, found ${describe(node)}`);
    return new Map();
  }
  return new Map(node.entries.map(({ key, value }) => [key, textsOf(reader, value)]));
}

function textsOf(reader: Reader, node: Node): string[] {
  if (node.kind !== 'list' || node.items.length === 0) {
    reader.problem(node, `expected a list of values, found ${node.kind === 'list' ? 'an empty one' : describe(node)}`);
    return [];
  }
  return node.items.flatMap((item) => {
    if (item.kind === 'scalar' && item.value !== null) return [item.text];
    reader.problem(item, `expected text, found ${describe(item)}`);
    return [];
  });
}

function readBounded(file: string): string {
  try {
    return textOf(readBoundedSync(file, { maxBytes: MAX_RULE_FILE_BYTES }));
  } catch (error) {
    const reason = systemCode(error) === 'ENOENT' ? 'there is no such file' : reasonOf(error);
    throw new PlaceholdersError(`${file}: ${reason}`, { cause: error });
  }
}
