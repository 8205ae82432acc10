import { NO_NUMBER, type Item } from '../../events/item.ts';
import { hostPlatform } from '../../values/platform.ts';
import type { Format, FormatContext } from '../format.ts';
import { SCHEMA_VERSION, type Identity } from '../identified.ts';
import type { Row } from './row.ts';
import { subjectOf, type Kind, type Origin } from './subject.ts';
import { compile, type Writer } from './writer.ts';

/** A schema of others: rows for all kinds of events. */
export interface Mapping {
  readonly rows: readonly Row[];
  /**
   * The object for an event that the rows cannot be applied to, such as one that is nested too deep to be written. It has the whole
   * line as text.
   */
  readonly unwritable: (event: Unwritable, origin: Origin) => object;
}

/** An event that no row could be applied to. */
export interface Unwritable {
  /** As it was received, without a newline. */
  readonly line: string;
  /** Its number; undefined where it has none. */
  readonly seq: number | undefined;
}

/** Writes events as a mapping says. */
export class MappingWriter {
  readonly #unwritable: Mapping['unwritable'];
  readonly #writers: Readonly<Record<Kind, Writer>>;

  constructor({ rows, unwritable }: Mapping) {
    this.#unwritable = unwritable;
    this.#writers = compile(rows);
  }

  /** The line of an event, without a newline. Never throws for what an event holds. */
  write(item: Item, origin: Origin): string {
    try {
      const subject = subjectOf(item.event, origin);
      return this.#writers[subject.kind](subject);
    } catch {
      const { line, first } = item;
      return JSON.stringify(this.#unwritable({ line, seq: first === NO_NUMBER ? undefined : first }, origin));
    }
  }
}

/** A mapping as the format of one output. */
export class MappedFormat implements Format {
  readonly #writer: MappingWriter;
  readonly #identity: Identity;
  #origin: Origin;

  constructor(mapping: Mapping, identity: Identity) {
    this.#writer = new MappingWriter(mapping);
    this.#identity = identity;
    this.#origin = this.#originFor({ bootId: undefined });
  }

  encode(item: Item, context: FormatContext): string {
    if (context.bootId !== this.#origin.bootId || context.seal !== this.#origin.seal)
      this.#origin = this.#originFor(context);
    return this.#writer.write(item, this.#origin);
  }

  #originFor({ bootId, seal }: FormatContext): Origin {
    const { hostId, host, stream, platform = hostPlatform() } = this.#identity;
    return { hostId, host, stream, platform, bootId, seal, schemaVersion: SCHEMA_VERSION };
  }
}
