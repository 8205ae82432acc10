import { QueryError } from './errors.ts';

/**
 * Words to look for as a query of FTS5 (https://www.sqlite.org/fts5.html): all of them, in any order. A word with other
 * characters in it, such as a path, is its parts one behind the other. A `*` at the end stands for any rest of a word.
 * @throws {QueryError} when there is nothing to look for
 */
export function wordsQuery(text: string): string {
  const words = text
    .split(/\s+/u)
    .filter((word) => /[\p{L}\p{N}\p{Co}]/u.test(word))
    .map((word) => {
      const isPrefix = word.endsWith('*');
      return `"${(isPrefix ? word.slice(0, -1) : word).replaceAll('"', '""').replaceAll('\0', ' ')}"${isPrefix ? '*' : ''}`;
    });
  if (words.length === 0) throw new QueryError(`--match: ${JSON.stringify(text)} has no word: letters or digits`);
  return words.join(' ');
}
