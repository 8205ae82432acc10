/** The most bytes of data in a frame of the receiver's. Its answers are a line, its offers a few. */
const MAX_DATA_BYTES = 16 * 1024;

/** Nine digits, 32 letters, nine digits, and what separates them. */
const MAX_HEADER_BYTES = 53;

const HEADER = /^(\d{1,9}) ([A-Za-z]{1,32}) (\d{1,9})([ \n])/u;
const HEADER_BEGINS = /^\d{0,9}(?:(?<=\d) (?:[A-Za-z]{0,32}(?:(?<=[A-Za-z]) \d{0,9})?)?)?$/u;
const NEWLINE = 0x0a;

/** One frame: `TXNR COMMAND LENGTH[ DATA]` and a newline. See "The RELP Protocol" in the documentation of librelp. */
export interface Frame {
  /** The transaction that it belongs to; 0 for hints. */
  readonly transaction: number;
  readonly command: string;
  readonly data: string;
}

/** The bytes of a frame in pieces. The data is not copied. */
export function frameOf(transaction: number, command: string, ...data: Uint8Array[]): Uint8Array[] {
  const length = data.reduce((sum, piece) => sum + piece.length, 0);
  if (length === 0) return [Buffer.from(`${transaction} ${command} 0\n`)];
  return [Buffer.from(`${transaction} ${command} ${length} `), ...data, Buffer.of(NEWLINE)];
}

/** Splits what comes in into frames. Holds at most one that is not whole. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /**
   * Returns the next frame that is whole after `piece`, if any; call it again, without a piece, until there is none.
   * @throws where the bytes are not those of a frame, or are too many; nothing can be read after that
   */
  next(piece?: Buffer): Frame | undefined {
    if (piece !== undefined) this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const begin = this.#rest.toString('latin1', 0, MAX_HEADER_BYTES);
    const match = HEADER.exec(begin);
    if (match === null) {
      if (begin.length < MAX_HEADER_BYTES && HEADER_BEGINS.test(begin)) return undefined;
      throw new Error('no header');
    }
    const [header, transaction, command, digits, separator] = match as unknown as [
      string,
      string,
      string,
      string,
      string,
    ];
    const length = Number(digits);
    if (length > MAX_DATA_BYTES || (separator === '\n') !== (length === 0)) throw new Error('no length');
    const dataEnd = header.length + length;
    const end = length === 0 ? header.length : dataEnd + 1;
    if (this.#rest.length < end) return undefined;
    if (this.#rest[end - 1] !== NEWLINE) throw new Error('no end');
    const data = this.#rest.toString('utf8', header.length, dataEnd);
    this.#rest = this.#rest.subarray(end);
    return { transaction: Number(transaction), command: command.toLowerCase(), data };
  }
}
