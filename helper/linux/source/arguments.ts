import { isUtf8 } from 'node:buffer';
import { MAX_RAW_ARGUMENTS } from '../../limits.ts';

/** JSON's text for a NUL, which stands between the arguments. */
export const NUL = '\\u0000';

/** Stands for a backslash while the text is turned into JSON: half a surrogate pair, which decoded UTF-8 never holds. */
const BACKSLASH_MARK = '\ud800';
const ENCODED_MARK = '\\ud800';
/** Another way to write a backslash in JSON. */
const BACKSLASH = '\\u005c';

/** Characters below which any number of matches is few. */
const SHORT_TEXT = 8192;

/** Interpreters of interpreters that the kernel follows, times the two arguments each may insert, plus one. */
const SCRIPT_ARGUMENTS = 11;

/**
 * A process's arguments as one JSON string, one after the other with an (encoded) NUL between them. A few passes over
 * the whole text instead of steps for each argument, of which there can be millions.
 * @param text as the kernel has them, without the last NUL
 */
export function encodeArguments(text: string): string {
  if (!text.includes(NUL)) return JSON.stringify(text);
  // A backslash and "u0000" in an argument: its backslashes get another spelling, so that these six characters are NULs alone.
  return replaced(JSON.stringify(replaced(text, '\\', BACKSLASH_MARK)), ENCODED_MARK, BACKSLASH);
}

/**
 * The text with each `old` replaced. In short texts that is what `replaceAll` does; but its result is a chain of two objects for each
 * match, until somebody reads it: some hundred times the memory of a text with millions of matches.
 */
export function replaced(text: string, old: string, by: string): string {
  return text.length < SHORT_TEXT ? text.replaceAll(old, by) : text.split(old).join(by);
}

/** The list of encoded arguments as JSON. Also of no argument: one empty argument looks the same when encoded. */
export function argumentList(encoded: string, isEmpty: boolean): string {
  return isEmpty ? '[]' : `[${replaced(encoded, NUL, '","')}]`;
}

/** Returns the arguments after the first, each with a space before it, and the closing quote. */
export function afterFirst(encoded: string): string {
  return spaced(encoded, encoded.indexOf(NUL));
}

/**
 * Returns the arguments that the caller of a script passed after argv[0], and the closing quote. The kernel has replaced
 * argv[0] by the interpreter, perhaps one argument of the #! line, and the path of the script: the caller's arguments
 * follow that path.
 * @param filename in the spelling of JSON, without quotes
 */
export function afterScript(encoded: string, filename: string): string {
  return spaced(encoded, scriptEnd(encoded, filename) ?? encoded.indexOf(NUL));
}

/**
 * Returns where the path of the script ends: at a NUL, or -1 when it is the last argument; undefined when it is not
 * among the first arguments. Of `filename` as of afterScript().
 */
export function scriptEnd(encoded: string, filename: string): number | undefined {
  for (let i = 1, at = encoded.indexOf(NUL); i < SCRIPT_ARGUMENTS && at !== -1; i++) {
    const next = encoded.indexOf(NUL, at + NUL.length);
    if (isSame(encoded.slice(at + NUL.length, next), filename)) return next;
    at = next;
  }
  return undefined;
}

/** Whether two encoded texts are the same, whichever way their backslashes are spelled. */
function isSame(one: string, other: string): boolean {
  return one === other || (one.includes(BACKSLASH) && JSON.parse(`"${one}"`) === JSON.parse(`"${other}"`));
}

/** The arguments from the NUL at `from` on, -1 for none, each NUL a space. */
function spaced(encoded: string, from: number): string {
  return from === -1 ? '"' : replaced(encoded.slice(from), NUL, ' ');
}

/**
 * The bytes of the arguments that are not UTF-8, by their paths in the event. Of
 * many arguments all bytes are kept as one, under `argv`, each argument with its
 * NUL: whole, but without work for each of millions.
 * @returns undefined when all are valid
 */
export function rawArguments(bytes: Buffer): Record<string, string> | undefined {
  if (isUtf8(bytes)) return undefined;
  const raw: Record<string, string> = {};
  for (let start = 0, i = 0; start < bytes.length; i++) {
    if (i === MAX_RAW_ARGUMENTS) return { argv: bytes.toString('base64') };
    const nul = bytes.indexOf(0, start);
    const end = nul === -1 ? bytes.length : nul;
    const argument = bytes.subarray(start, end);
    if (!isUtf8(argument)) raw[`argv[${i}]`] = argument.toString('base64');
    start = end + 1;
  }
  return raw;
}
