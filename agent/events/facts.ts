/**
 * Facts that events do not carry and an output can ask for (`enrich`). Their order here is their order in a line. Never change it: the
 * spool names them by their place.
 */
export const FACT_NAMES = ['user', 'group', 'parent', 'ancestors', 'hashes', 'entity_id', 'container'] as const;

export type FactName = (typeof FACT_NAMES)[number];

const HASHES = FACT_NAMES.indexOf('hashes');

/** An estimate of the memory of an object without its texts, with room for a hash that comes later; in bytes. */
const FIXED_BYTES = 256;

/** A bounded wait for hashes, which many events share. */
export interface Hold {
  readonly isOver: boolean;
  /** Never rejects. */
  readonly over: Promise<void>;
}

/** The known facts about one event, as JSON. */
export interface KnownFacts {
  /** By place in FACT_NAMES: the value as JSON; undefined where it is not known. Of `parent`, its command line alone. */
  readonly texts: readonly (string | undefined)[];
  /** The places of facts in which a secret was redacted, as bits. */
  readonly redacted?: number;
}

/**
 * The facts about one event, found once and shared by all outputs. Immutable, except that the hashes may come in until `hold` is over;
 * so an output that writes the event twice after that writes the same.
 */
export class Facts implements KnownFacts {
  readonly texts: readonly (string | undefined)[];
  readonly redacted: number;
  /** An estimate of its memory, in bytes. */
  readonly bytes: number;
  #hashes: string | undefined;
  #hold: Hold | undefined;

  constructor({ texts, redacted = 0 }: KnownFacts) {
    this.texts = texts;
    this.redacted = redacted;
    this.#hashes = texts[HASHES];
    this.bytes = texts.reduce((sum, text) => sum + 2 * (text?.length ?? 0), FIXED_BYTES);
  }

  /** The wait for the hashes; undefined where there is nothing to wait for. */
  get pending(): Hold | undefined {
    if (this.#hold?.isOver === true) this.#hold = undefined;
    return this.#hold;
  }

  /** Says that hashes may come until `hold` is over. */
  holdFor(hold: Hold): void {
    this.#hold = hold;
  }

  /** Sets the hashes, as JSON. Only before the hold is over. */
  setHashes(json: string): void {
    this.#hashes = json;
  }

  /** A fact as JSON, by its place in FACT_NAMES; undefined where it is not known. */
  textAt(place: number): string | undefined {
    return place === HASHES ? this.#hashes : this.texts[place];
  }
}
