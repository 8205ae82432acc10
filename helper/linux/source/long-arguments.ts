import { isAscii, isUtf8 } from 'node:buffer';
import { NUL, replaced, scriptEnd } from './arguments.ts';

/**
 * Bytes of arguments that are turned into JSON at once. Short enough that V8 puts the text into the memory that it uses
 * over and over again: a text of more than 128 KiB is put into pages of its own, each of which costs a page fault.
 */
const PIECE_BYTES = 24 * 1024;

/** Arguments as JSON, in pieces with a character for each byte. */
export interface LongArguments {
  /** The list. */
  readonly list: readonly string[];
  /** The arguments of the caller, each with a space before it, and the closing quote, as they stand in `command`. */
  readonly command: readonly string[];
  /** Bytes of both. */
  readonly bytes: number;
}

/**
 * Turns arguments of some kilobytes and more into JSON: the same bytes as argumentList() and afterFirst() or
 * afterScript() give, with fewer copies and none of them long.
 *
 * JSON escapes ASCII alone, and no byte of a longer UTF-8 sequence is ASCII. So of valid UTF-8 each byte is taken for a
 * character, and a piece may end in the middle of a sequence.
 * @param parts the arguments as the kernel has them, at least one byte, in the order of their bytes
 * @param script the path of the script in the spelling of JSON, without quotes, and with a character for each byte;
 *   undefined when no script was executed
 * @param most bytes that they may take
 * @returns `too long`; undefined for bytes that need the other functions: they are not UTF-8, or spell a NUL as JSON does
 */
export function encodeLong(
  parts: readonly Buffer[],
  script: string | undefined,
  most: number,
): LongArguments | 'too long' | undefined {
  if (!areText(parts)) return undefined;
  const encoded: string[] = [];
  const list: string[] = ['["'];
  let bytes = 4;
  let last = '';
  let count = parts.length;
  while (count > 1 && (parts[count - 1] as Buffer).length === 0) count--;
  for (let i = 0; i < count; i++) {
    const part = parts[i] as Buffer;
    const { length } = part;
    // The last NUL ends the last argument, and begins none.
    const end = i === count - 1 && part[length - 1] === 0 ? length - 1 : length;
    for (let at = 0; at < end; at += PIECE_BYTES) {
      const text = part.latin1Slice(at, Math.min(at + PIECE_BYTES, end));
      if (text.includes(NUL) || (last + text.slice(0, NUL.length)).includes(NUL)) return undefined;
      last = (text.length < NUL.length ? last + text : text).slice(-NUL.length);
      const piece = JSON.stringify(text).slice(1, -1);
      const items = replaced(piece, NUL, '","');
      bytes += items.length;
      if (bytes > most) return 'too long';
      encoded.push(piece);
      list.push(items);
    }
  }
  list.push('"]');
  const command = script === undefined ? behindFirst(encoded) : behindScript(encoded, script);
  for (const piece of command) bytes += piece.length;
  return bytes > most ? 'too long' : { list, command, bytes };
}

function areText(parts: readonly Buffer[]): boolean {
  for (const part of parts) if (!isAscii(part)) return isUtf8(parts.length === 1 ? part : Buffer.concat(parts));
  return true;
}

function behindFirst(encoded: readonly string[]): string[] {
  for (let i = 0; i < encoded.length; i++) {
    const at = (encoded[i] as string).indexOf(NUL);
    if (at !== -1) return spaced(encoded, i, at);
  }
  return ['"'];
}

function behindScript(encoded: readonly string[], script: string): string[] {
  // Nearly always it stands in the first piece. Its last argument may go on in the next one: that is not compared.
  const end = encoded.length > 1 ? scriptEnd(encoded[0] as string, script) : undefined;
  if (end !== undefined && end !== -1) return spaced(encoded, 0, end);
  const whole = encoded.join('');
  const at = scriptEnd(`${whole}"`, script);
  if (at === undefined) return behindFirst(encoded);
  return at === -1 ? ['"'] : spaced([whole], 0, at);
}

/** Returns the text from this place of piece `first` on, with a space for each NUL. */
function spaced(encoded: readonly string[], first: number, at: number): string[] {
  const pieces: string[] = [];
  for (let i = first; i < encoded.length; i++) {
    const piece = encoded[i] as string;
    pieces.push(replaced(i === first ? piece.slice(at) : piece, NUL, ' '));
  }
  pieces.push('"');
  return pieces;
}

/** The first `bytes` bytes of these. */
export function firstBytes(parts: readonly Buffer[], bytes: number): readonly Buffer[] {
  const first: Buffer[] = [];
  for (let i = 0, left = bytes; left > 0 && i < parts.length; i++) {
    const part = (parts[i] as Buffer).subarray(0, left);
    first.push(part);
    left -= part.length;
  }
  return first;
}
