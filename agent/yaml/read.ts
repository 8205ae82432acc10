import { reasonOf } from '../errors.ts';
import { readCompleteYaml } from './complete.ts';
import type { YamlFile } from './node.ts';
import { readPlainYaml } from './plain.ts';

/** All that is not `c-printable` of YAML 1.2.2, section 5.1. */
const UNPRINTABLE = /[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

/**
 * Reads a file of one or several YAML documents. A document that is not well
 * formed becomes a problem; the others are still read. Never throws for the text, whatever it holds.
 */
export function readYaml(file: string, text: string): YamlFile {
  try {
    const stray = UNPRINTABLE.exec(text);
    if (stray !== null) return refuse(file, text, stray.index, strayMessage(stray[0].codePointAt(0)!));
    return readPlainYaml(file, text) ?? readCompleteYaml(file, text);
  } catch (error) {
    return refuse(file, text, 0, isOverflow(error) ? 'nested too deeply' : `cannot be read: ${reasonOf(error)}`);
  }
}

/** The parser went into itself until there was no room, as for `a: a: a: …`. */
const isOverflow = (error: unknown): boolean => error instanceof RangeError && /call stack/.test(error.message);

function refuse(file: string, text: string, offset: number, message: string): YamlFile {
  const before = text.slice(0, offset);
  const place = { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
  return { source: { file, place: () => place }, documents: [], problems: [{ file, ...place, path: '', message }] };
}

function strayMessage(point: number): string {
  const name = point === 0 ? 'a NUL character' : 'the character';
  const code = point.toString(16).toUpperCase().padStart(4, '0');
  return `${name} U+${code} is not allowed in YAML; inside quotation marks, write it as an escape`;
}
