import { EXEC_FIELDS, EXEC_REQUIRED } from '../../shared/events/exec.ts';
import type { Check } from '../../shared/events/fields.ts';

// The line of an exec event as helpers write it: the fields of EXEC_FIELDS in their order, without blanks.
//
// The agent must check every event that it passes on, and it forwards most of them without looking at a field.
// Parsing such a line, checking its fields and throwing the object away takes three times as long as comparing the
// text with its expected shape. A line that fits is valid JSON with valid fields. A line that does not fit can be
// valid too, and is then parsed.

/** Whole numbers that JavaScript holds exactly, or a little fewer. */
const NUMBER = '(?:0|[1-9]\\d{0,14}|[1-8]\\d{15})';
const PLAIN = '[^"\\\\\\x00-\\x1f]*';
const TEXT = `"${PLAIN}(?:\\\\(?:["\\\\/bfnrt]|u[0-9a-fA-F]{4})${PLAIN})*"`;

/** `item` any number of times, with commas in between. */
const list = (item: string): string => `(?:${item}(?:,${item})*)?`;

/** Returns a pattern that matches only JSON that the check accepts. */
function patternOf({ kind }: Check): string {
  switch (kind?.is) {
    case 'text':
      return TEXT;
    case 'texts':
      return `\\[${list(TEXT)}\\]`;
    case 'count':
      return NUMBER;
    case 'integer':
      return `-?${NUMBER}`;
    case 'boolean':
      return '(?:true|false)';
    case 'constant':
      return `(?:${kind.values.map((value) => JSON.stringify(value)).join('|')})`;
    case 'matching':
      return `"${kind.pattern.source.slice(1, -1)}"`;
    case 'map':
      return `\\{${list(`"${PLAIN}":${patternOf(kind.of)}`)}\\}`;
    case 'object':
      return `\\{${fieldsPattern(kind.fields, (name) => !kind.mayLack.includes(name))}\\}`;
    case undefined:
      throw new Error('a field of exec events has a check that no pattern can be made of');
  }
}

/** Not part of the shape. Few lines have them, and testing for one would cost every line about 3 %. */
const RARE: ReadonlySet<string> = new Set(['raw', 'env_repeated', 'env_truncated']);

/** The fields in their order. The first must be required: each later one includes the comma before it. */
function fieldsPattern(fields: Readonly<Record<string, Check>>, isRequired: (name: string) => boolean): string {
  return Object.entries(fields)
    .filter(([name]) => !RARE.has(name))
    .map(([name, check], i) => {
      const field = `${i === 0 ? '' : ','}"${name}":${patternOf(check)}`;
      return isRequired(name) ? field : `(?:${field})?`;
    })
    .join('');
}

const LINE = `\\{${fieldsPattern(EXEC_FIELDS, (name) => name === 'type' || EXEC_REQUIRED.includes(name))}\\}\\n`;
/** Cut before the number, so that the number's place is known. */
const NUMBER_AT = LINE.indexOf('"seq":') + '"seq":'.length;
const UP_TO_NUMBER = LINE.slice(0, NUMBER_AT);
const FROM_NUMBER = LINE.slice(NUMBER_AT);

const ZERO = 48;

/** Compares lines with the shape, one at a time. Its fields hold the answer for the last line. */
export class ExecShape {
  readonly #upToNumber = new RegExp(UP_TO_NUMBER, 'y');
  readonly #fromNumber = new RegExp(FROM_NUMBER, 'y');
  /** `seq` of the line that matched. */
  seq = 0;
  /** Where the next line begins. */
  end = 0;

  /**
   * Whether the line that begins at `start` of `text` is an exec event of this shape.
   * @param text valid UTF-8 with one character for each byte (latin1): faster than text, and the pattern names only ASCII
   */
  fits(text: string, start: number): boolean {
    const head = this.#upToNumber;
    head.lastIndex = start;
    if (!head.test(text)) return false;
    const at = head.lastIndex;
    const rest = this.#fromNumber;
    rest.lastIndex = at;
    if (!rest.test(text)) return false;
    this.end = rest.lastIndex;
    this.seq = numberAt(text, at);
    return true;
  }
}

/** The whole number at `at`, which is known to be below 9 * 10^15. */
function numberAt(text: string, at: number): number {
  let value = 0;
  for (let i = at, digit = text.charCodeAt(i) - ZERO; digit >= 0 && digit <= 9; digit = text.charCodeAt(++i) - ZERO)
    value = value * 10 + digit;
  return value;
}
