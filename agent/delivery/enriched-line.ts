import { FACT_NAMES, type FactName, type Facts } from '../events/facts.ts';
import { Item } from '../events/item.ts';

const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Only a key can look so: in a text, its quotes have a backslash in front of them. */
const PARENT = '"parent":{';
const REDACTED = '"redacted":true';

const PARENT_PLACE = FACT_NAMES.indexOf('parent');

/** The facts that one output writes. */
export class FactSelection {
  /** Places in FACT_NAMES, ascending, except that of `parent`. */
  readonly #places: readonly number[];
  readonly #hasParent: boolean;
  readonly #bits: number;

  constructor(names: readonly FactName[]) {
    const places = names.map((name) => FACT_NAMES.indexOf(name)).toSorted((a, b) => a - b);
    this.#places = places.filter((place) => place !== PARENT_PLACE);
    this.#hasParent = places.includes(PARENT_PLACE);
    this.#bits = places.reduce((bits, place) => bits | (1 << place), 0);
  }

  /**
   * The item with these facts in its line: fields in front of the last brace, and the parent's command line at the end of `parent`. Nothing
   * is parsed. The line without them is byte for byte the line of an output without facts.
   * @returns the item itself where there is nothing to add
   */
  addTo(item: Item, facts: Facts | undefined): Item {
    if (facts === undefined) return item;
    const { memory, start, end } = item;
    const brace = memory.lastIndexOf(CLOSING_BRACE, end - 1);
    if (brace <= start || memory[start] !== OPENING_BRACE) return item;
    let added = '';
    for (const place of this.#places) {
      const text = facts.textAt(place);
      if (text !== undefined) added += `,"${FACT_NAMES[place]}":${text}`;
    }
    const parent = this.#hasParent ? facts.textAt(PARENT_PLACE) : undefined;
    const at = parent === undefined ? -1 : endOfParent(memory, start, end);
    if (added === '' && at === -1) return item;
    if ((facts.redacted & this.#bits) !== 0 && !memory.subarray(start, end).includes(REDACTED)) added += `,${REDACTED}`;
    const pieces =
      at === -1
        ? [memory.subarray(start, brace), Buffer.from(added)]
        : [
            memory.subarray(start, at),
            Buffer.from(`,"command_line":${parent}`),
            memory.subarray(at, brace),
            Buffer.from(added),
          ];
    const line = Buffer.concat([...pieces, memory.subarray(brace, end)]);
    return new Item(line, 0, line.length, item.first, item.last, undefined, undefined, item.isAlert);
  }
}

/** Where the object `parent` of a line has its closing brace; -1 where the line has no such object. */
function endOfParent(memory: Buffer, start: number, end: number): number {
  const key = memory.indexOf(PARENT, start);
  if (key === -1 || key >= end) return -1;
  let isText = false;
  let depth = 1;
  for (let at = key + PARENT.length; at < end; at++) {
    const byte = memory[at];
    if (isText) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) isText = false;
    } else if (byte === QUOTE) isText = true;
    else if (byte === OPENING_BRACE) depth++;
    else if (byte === CLOSING_BRACE && --depth === 0) return at;
  }
  return -1;
}
