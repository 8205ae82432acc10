import { isUtf8 } from 'node:buffer';

const UTF8_MARK = Buffer.from('\ufeff');

/**
 * The text of a file. Text in another encoding would be read with other letters in it, and would be in force and never match.
 * @throws {Error} that names the encoding, and what to do, when it is not UTF-8
 */
export function textOf(bytes: Buffer): string {
  const other = otherEncoding(bytes);
  if (other !== undefined) throw new Error(`expected UTF-8, found ${other}; save the file as UTF-8`);
  return bytes.toString('utf8', bytes.subarray(0, 3).equals(UTF8_MARK) ? 3 : 0);
}

/** By the byte order mark; without one, by where the zeros of a first ASCII character are. */
function otherEncoding(bytes: Buffer): string | undefined {
  const [a, b, c, d] = bytes;
  const isLittle = a === 0xff && b === 0xfe;
  if ((isLittle && c === 0 && d === 0) || (a === 0 && b === 0 && c === 0xfe && d === 0xff)) return 'UTF-32';
  if (isLittle || (a === 0xfe && b === 0xff)) return 'UTF-16';
  if (d !== undefined && [a, b, c, d].filter((byte) => byte === 0).length === 3) return 'UTF-32';
  if (b !== undefined && (a === 0) !== (b === 0)) return 'UTF-16';
  return isUtf8(bytes) ? undefined : 'something else';
}
