import * as z from 'zod';

const BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 };
const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const SIZE = /^(\d+)\s?(B|KiB|MiB|GiB|TiB)$/;
const DURATION = /^(\d+)\s?(ms|s|m|h|d)$/;

/** `64MiB` in bytes; undefined for anything else. Units are powers of 1024 only: `64MB` means two things to two readers. */
export function parseSize(text: string): number | undefined {
  return parseQuantity(text, SIZE, BYTES);
}

/** `5s` in milliseconds; undefined for anything else. A bare number is refused, since its unit is a guess. */
export function parseDuration(text: string): number | undefined {
  return parseQuantity(text, DURATION, MILLISECONDS);
}

function parseQuantity(text: string, pattern: RegExp, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit] = pattern.exec(text) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  const value = Number(digits) * units[unit]!;
  return Number.isSafeInteger(value) ? value : undefined;
}

interface QuantityOptions {
  /** As an administrator writes it; also the bounds of what is accepted. */
  min: string;
  max: string;
  byDefault: string;
  description: string;
}

/** A size key: text with a unit in, bytes out. */
export const size = (options: QuantityOptions) =>
  quantity(options, parseSize, SIZE, 'a size with its unit: B, KiB, MiB, GiB or TiB, such as 64MiB');

/** A duration key: text with a unit in, milliseconds out. */
export const duration = (options: QuantityOptions) =>
  quantity(options, parseDuration, DURATION, 'a duration with its unit: ms, s, m, h or d, such as 5s');

function quantity(
  { min, max, byDefault, description }: QuantityOptions,
  parse: (text: string) => number | undefined,
  pattern: RegExp,
  expected: string,
) {
  const lowest = parse(min)!;
  const highest = parse(max)!;
  return z
    .string({ error: `expected ${expected}` })
    .regex(pattern, { error: `expected ${expected}`, abort: true })
    .refine((text) => within(parse(text), lowest, highest), { error: `expected ${min} to ${max}` })
    .transform((text) => parse(text)!)
    .prefault(byDefault)
    .meta({ description, default: byDefault });
}

function within(value: number | undefined, lowest: number, highest: number): boolean {
  return value !== undefined && value >= lowest && value <= highest;
}
