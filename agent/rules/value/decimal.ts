/** A decimal number as a rule or an event has it: the nearest double, and its digits where those say more. */
export interface Decimal {
  readonly number: number;
  readonly text: string;
}

/** Every way that is not ambiguous: no text takes more than its length to be refused. */
const FORM = /^\s*([-+]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:e([-+]?\d+))?\s*$/i;

/** Doubles tell all decimals of up to this many digits apart. */
const EXACT_DIGITS = 15;

/** A number, or a text that is nothing but one; undefined for anything else. */
export function decimalOf(value: unknown): Decimal | undefined {
  if (typeof value === 'number') {
    const isLong = Number.isInteger(value) && !Number.isSafeInteger(value);
    return { number: value, text: isLong ? BigInt(value).toString() : String(value) };
  }
  return typeof value === 'string' && FORM.test(value) ? { number: Number(value), text: value } : undefined;
}

/** Negative, 0 or positive as `a` is less than, equal to or greater than `b`; NaN where one of them is not a number. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  if (a.number !== b.number) return a.number < b.number ? -1 : a.number > b.number ? 1 : NaN;
  // Rounding keeps the order, so only decimals that round to the same double are left.
  if (a.text.length <= EXACT_DIGITS && b.text.length <= EXACT_DIGITS) return 0;
  return compareDigits(digitsOf(a.text), digitsOf(b.text));
}

interface Digits {
  /** 0 for zero. */
  readonly sign: -1 | 0 | 1;
  /** The place of the point before the digits' first, which is not 0: 3 for 123 and for 123.4. */
  readonly scale: number;
  /** Without zeros at either end. */
  readonly digits: string;
}

function digitsOf(text: string): Digits {
  const [, sign, whole = '', part = '', alone = '', exponent = '0'] = FORM.exec(text) ?? [];
  const all = whole + part + alone;
  const zeros = all.length - trimStart(all).length;
  const digits = trimEnd(all.slice(zeros));
  if (digits === '') return { sign: 0, scale: 0, digits };
  return { sign: sign === '-' ? -1 : 1, scale: whole.length - zeros + Number(exponent), digits };
}

function compareDigits(a: Digits, b: Digits): number {
  if (a.sign !== b.sign || a.sign === 0) return a.sign - b.sign;
  const larger = a.scale !== b.scale ? a.scale - b.scale : a.digits === b.digits ? 0 : a.digits < b.digits ? -1 : 1;
  return a.sign * larger;
}

function trimStart(digits: string): string {
  let start = 0;
  while (digits[start] === '0') start++;
  return digits.slice(start);
}

function trimEnd(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === '0') end--;
  return digits.slice(0, end);
}
