/**
 * The encoding modifiers. Encoded text is held as one character a byte, so
 * that `wide` and `base64` can follow each other.
 */

/** `utf16le` and its alias `wide`, `utf16be`, and `utf16` with its byte order mark. */
export function toUtf16(text: string, order: 'le' | 'be', mark: boolean): string {
  const bytes = Buffer.from(mark ? `\ufeff${text}` : text, 'utf16le');
  return (order === 'be' ? bytes.swap16() : bytes).toString('latin1');
}

export function toBase64(text: string, isBytes: boolean): string {
  return bytesOf(text, isBytes).toString('base64');
}

/**
 * How the text looks inside a longer Base64 text, for the three places it can
 * have in a group of three bytes. Characters that also depend on the neighbours are cut.
 */
export function toBase64Offsets(text: string, isBytes: boolean): string[] {
  const bytes = bytesOf(text, isBytes);
  const skipped = [0, 2, 3];
  const cut = [undefined, -3, -2];
  return skipped.map((start, shift) =>
    Buffer.concat([Buffer.alloc(shift, ' '), bytes])
      .toString('base64')
      .slice(start, cut[(bytes.length + shift) % 3]),
  );
}

const bytesOf = (text: string, isBytes: boolean) => Buffer.from(text, isBytes ? 'latin1' : 'utf8');
