import { FACT_NAMES, Facts } from '../../events/facts.ts';

/** Stands for a fact that is not known. */
const NONE = -1;

/** The form of facts in a frame's index: texts, each once, and for each record its texts by number, then its bits of redacted facts. */
type Encoded = readonly [texts: readonly string[], rows: readonly number[], places: number];

/**
 * Facts of the records from `from` up to, not including, `to`, for a frame's index. Many events share texts, such as a user's name or a
 * parent's command line.
 * @returns undefined where no record has any
 */
export function encodeFacts(
  facts: readonly (Facts | undefined)[] | undefined,
  from: number,
  to: number,
): Encoded | undefined {
  if (facts === undefined) return undefined;
  const numbers = new Map<string, number>();
  const rows: number[] = [];
  let isAny = false;
  for (let record = from; record < to; record++) {
    const known = facts[record];
    isAny ||= known !== undefined;
    for (let place = 0; place < FACT_NAMES.length; place++) {
      const text = known?.textAt(place);
      if (text !== undefined && !numbers.has(text)) numbers.set(text, numbers.size);
      rows.push(text === undefined ? NONE : numbers.get(text)!);
    }
    rows.push(known?.redacted ?? 0);
  }
  return isAny ? [[...numbers.keys()], rows, FACT_NAMES.length] : undefined;
}

/**
 * Reads them. A frame of an older agent has none, and one of a newer agent may have facts that this one does not know: those are left out.
 * @throws when they do not fit the number of records
 */
export function decodeFacts(encoded: unknown, records: number): (Facts | undefined)[] | undefined {
  if (encoded === undefined) return undefined;
  const [texts, rows, places] = Array.isArray(encoded) ? (encoded as unknown[]) : [];
  if (!isTexts(texts) || !isNumbers(rows) || !Number.isSafeInteger(places) || (places as number) < 0)
    throw new Error('the facts have another shape');
  const width = (places as number) + 1;
  if (rows.length !== records * width || rows.some((row, i) => (i + 1) % width !== 0 && row >= texts.length))
    throw new Error('the facts are of other records');
  return Array.from({ length: records }, (_, record) => {
    const row = rows.slice(record * width, (record + 1) * width);
    const known = FACT_NAMES.map((__, place) => (place < width - 1 ? texts[row[place]!] : undefined));
    return known.every((text) => text === undefined) ? undefined : new Facts({ texts: known, redacted: row.at(-1)! });
  });
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((number) => Number.isSafeInteger(number));
}
