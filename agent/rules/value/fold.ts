/**
 * Case folding, one UTF-16 unit at a time, so that folded and unfolded text
 * have the same positions. It is Unicode's simple folding for the Basic
 * Multilingual Plane; String.toLowerCase is not used for text beyond ASCII because
 * it changes lengths (İ) and looks at neighbours (Σ at the end of a word).
 */
export const FOLD: Uint16Array = foldTable();

function foldTable(): Uint16Array {
  const table = new Uint16Array(0x10000);
  for (let unit = 0; unit < table.length; unit++) table[unit] = unit < 0x80 ? foldAscii(unit) : foldUnit(unit);
  return table;
}

function foldAscii(unit: number): number {
  return unit >= 0x41 && unit <= 0x5a ? unit + 0x20 : unit;
}

function foldUnit(unit: number): number {
  // Dotless i has the capital I of another letter; simple folding leaves it alone.
  if (unit === 0x131) return unit;
  const text = String.fromCharCode(unit);
  const upper = text.toUpperCase();
  const lower = (upper.length === 1 ? upper : text).toLowerCase();
  return lower.length === 1 ? lower.charCodeAt(0) : unit;
}

const BEYOND_ASCII = /\P{ASCII}/u;

export function fold(text: string): string {
  if (!BEYOND_ASCII.test(text)) return text.toLowerCase();
  const units = new Uint16Array(text.length);
  for (let i = 0; i < units.length; i++) units[i] = FOLD[text.charCodeAt(i)]!;
  // Every machine we run on is little-endian, as utf16le is; lone surrogates pass unchanged.
  return Buffer.from(units.buffer).toString('utf16le');
}

let variants: Map<number, number[]> | undefined;

/** Every unit that folds to the same one, the unit itself included. */
export function caseVariants(unit: number): readonly number[] {
  if (variants === undefined) {
    variants = new Map();
    for (let u = 0; u < FOLD.length; u++) {
      const folded = FOLD[u]!;
      if (folded === u) continue;
      const group = variants.get(folded) ?? [folded];
      group.push(u);
      variants.set(folded, group);
    }
  }
  return variants.get(FOLD[unit]!) ?? [unit];
}
