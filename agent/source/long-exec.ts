// Long lines of exec events. Nearly all of their bytes are the arguments, once in `command` and once in `argv`. A regular
// expression takes a nanosecond for each of these bytes, and keeps the whole text that it last matched. So both values
// are checked here where they lie, and the line without them is compared with the shape.
//
// Long strings are searched with native functions, which look at 32 bytes at a time and need no time to warm up: even one
// search for each forbidden byte takes less time than one loop over the text. An argument that is also in `command` is
// only compared with it.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const LIST_END = 0x5d;
const LETTER_U = 0x75;
const SPACE = 0x20;

const COMMAND = '"command":"';
const LIST = '"argv":["';

/** In a line as helpers write it, only the number of the process stands before the command. */
const COMMAND_WITHIN = 64;

/** Bytes from which on native searches take less time than a loop. */
const LONG_BYTES = 2048;

/** From here on, an argument is compared with the command. */
const COMPARED_BYTES = 64;

/** Bytes that end the plain part of a JSON string: the quote, the backslash, and what has to be escaped. */
const SPECIAL = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < SPACE || byte === QUOTE || byte === BACKSLASH ? 1 : 0,
);
/** The same without the quote, the usual ones first. */
const SEARCHED = [BACKSLASH, 10, 9, ...Array.from({ length: SPACE }, (_, byte) => byte)];
const ESCAPED = new Set(Buffer.from('"\\/bfnrt'));
const HEXADECIMAL = new Set(Buffer.from('0123456789abcdefABCDEF'));

/**
 * Checks the values of `command` and `argv` in a line, and returns the line with `""` and `[]` in their place, a
 * character for each byte. If that is an exec event of the usual shape, the line is one too: a quote within a string is
 * escaped, so `"argv":["` in a line of that shape is the field and nothing else.
 * @param memory holds the line from `start` to `end`, its newline included, as valid UTF-8
 * @param most characters that the result may have
 * @returns undefined where the line is not as helpers write it: it has to be parsed then
 */
export function withoutArguments(memory: Buffer, start: number, end: number, most: number): string | undefined {
  const head = memory.toString('latin1', start, Math.min(end, start + COMMAND_WITHIN)).indexOf(COMMAND);
  if (head === -1) return undefined;
  const text = new Text(memory, end);
  const commandAt = start + head + COMMAND.length;
  const commandEnd = text.endOfCommand(commandAt);
  if (commandEnd === -1) return undefined;
  const listAt = memory.subarray(commandEnd, Math.min(end, commandEnd + most)).indexOf(LIST) + commandEnd;
  if (listAt < commandEnd) return undefined;
  const itemsAt = listAt + LIST.length - 1;
  const listEnd = text.endOfList(itemsAt);
  if (listEnd === -1 || commandAt - start + (itemsAt - commandEnd) + (end - listEnd) > most) return undefined;
  return (
    memory.toString('latin1', start, commandAt) +
    memory.toString('latin1', commandEnd, itemsAt) +
    memory.toString('latin1', listEnd, end)
  );
}

/** JSON strings in bytes that are known to be UTF-8. */
class Text {
  readonly #memory: Buffer;
  readonly #end: number;
  readonly #words: Int32Array;
  /** From a place in the memory to one in the words' bytes. */
  readonly #offset: number;
  /** Of the command: the space before the next argument, and the end. No byte in between ends a string or is escaped. */
  #plainAt = 0;
  #plainEnd = 0;

  constructor(memory: Buffer, end: number) {
    this.#memory = memory;
    this.#end = end;
    this.#offset = memory.byteOffset;
    this.#words = new Int32Array(memory.buffer, 0, memory.buffer.byteLength >>> 2);
  }

  /** As `#endOfString`, of the command. If it needs no escapes, arguments are compared with it. */
  endOfCommand(at: number): number {
    const close = this.#endOfString(at, this.#memory.indexOf(QUOTE, at));
    if (close !== -1 && this.#memory.subarray(at, close).indexOf(BACKSLASH) === -1) {
      // The arguments follow the path. If that holds a space, they are not found, and looked at themselves.
      const space = this.#memory.subarray(at, close).indexOf(SPACE);
      if (space !== -1) [this.#plainAt, this.#plainEnd] = [at + space, close];
    }
    return close;
  }

  /**
   * Where the string ends whose text begins at `at`: its closing quote; -1 when it is not valid.
   * @param quote the first one from there on, also in a later line; -1 for none
   */
  #endOfString(at: number, quote: number): number {
    if (quote === -1 || quote >= this.#end) return -1;
    return quote - at >= LONG_BYTES && this.#isPlain(at, quote) ? quote : this.#scan(at);
  }

  #isPlain(start: number, end: number): boolean {
    const text = this.#memory.subarray(start, end);
    for (const byte of SEARCHED) if (text.indexOf(byte) !== -1) return false;
    return true;
  }

  /** Whether the text from `at` to the quote at `close` stands in the plain part of the command, where the one before ended. */
  #isInCommand(at: number, close: number): boolean {
    const start = this.#plainAt + 1;
    const end = start + close - at;
    if (close >= this.#end || end < start || end > this.#plainEnd) return false;
    const isCompared = close - at >= COMPARED_BYTES;
    if (isCompared ? this.#memory.compare(this.#memory, start, end, at, close) !== 0 : !this.#isEndOfWord(end))
      return false;
    this.#plainAt = end;
    return isCompared;
  }

  #isEndOfWord(at: number): boolean {
    return at === this.#plainEnd || this.#memory[at] === SPACE;
  }

  /** The end of a string, found in a loop. */
  #scan(at: number): number {
    const memory = this.#memory;
    for (;;) {
      at = this.#endOfPlain(at);
      const byte = at < this.#end ? memory[at] : -1;
      if (byte === QUOTE) return at;
      if (byte !== BACKSLASH) return -1;
      const escaped = memory[at + 1] as number;
      if (ESCAPED.has(escaped)) at += 2;
      else if (escaped === LETTER_U && this.#areHexadecimal(at + 2)) at += 6;
      else return -1;
    }
  }

  /** Where the list of strings ends whose first string begins at `at`: its bracket; -1 when it is not valid. */
  endOfList(at: number): number {
    const memory = this.#memory;
    while (memory[at] === QUOTE) {
      const quote = memory.indexOf(QUOTE, at + 1);
      const close = this.#isInCommand(at + 1, quote) ? quote : this.#endOfString(at + 1, quote);
      if (close === -1) return -1;
      if (memory[close + 1] === LIST_END) return close + 1;
      if (memory[close + 1] !== COMMA) return -1;
      at = close + 2;
    }
    return -1;
  }

  #areHexadecimal(at: number): boolean {
    for (let i = at; i < at + 4; i++) if (!HEXADECIMAL.has(this.#memory[i] as number)) return false;
    return true;
  }

  /** The first special byte from `at` on, or the end. */
  #endOfPlain(at: number): number {
    const memory = this.#memory;
    const end = this.#end;
    const words = this.#words;
    const offset = this.#offset;
    while (at < end && ((at + offset) & 3) !== 0) if (SPECIAL[memory[at++] as number] === 1) return at - 1;
    // Four bytes at a time: the highest bit of each is set where it is below a space, a quote or a backslash
    // ("Determine if a word has a byte less than n" in Bit Twiddling Hacks, Sean Eron Anderson).
    const last = (end + offset) >>> 2;
    let w = (at + offset) >>> 2;
    for (; w < last; w++) {
      const word = words[w] as number;
      const quote = word ^ 0x22222222;
      const backslash = word ^ 0x5c5c5c5c;
      const found =
        ((word - 0x20202020) & ~word) | ((quote - 0x01010101) & ~quote) | ((backslash - 0x01010101) & ~backslash);
      if ((found & 0x80808080) !== 0) break;
    }
    for (at = Math.max(at, (w << 2) - offset); at < end; at++) if (SPECIAL[memory[at] as number] === 1) return at;
    return end;
  }
}
