import { hostname } from 'node:os';
import type { Item } from '../events/item.ts';
import type { Platform } from '../values/platform.ts';
import type { Format, FormatContext } from './format.ts';
import { hostId } from './host-id.ts';

/**
 * Version of the lines' schema, `docs/schemas/`. Within a version fields are only ever added; a reader ignores those that it
 * does not know.
 */
export const SCHEMA_VERSION = 1;

const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/** The origin of a line. */
export interface Identity {
  /** See `hostId`. */
  readonly hostId: string;
  /** The host's name when the output was opened. */
  readonly host: string;
  /** The output's name. */
  readonly stream: string;
  /** Left out: that of this machine. */
  readonly platform?: Platform;
}

/** The identity of this host's lines on one output. @throws where the machine has no id; the message says what to do */
export function identityOf(stream: string): Identity {
  return { hostId: hostId(), host: hostname(), stream };
}

/**
 * The native format with `host_id`, `host`, `boot_id`, `stream`, `schema_version` and `seal` at the end of each line, gaps and
 * alerts included. Nothing is parsed: the bytes go in front of the line's last brace.
 */
export class Identified implements Format {
  readonly #identity: Identity;
  #bootId: string | undefined;
  #seal: number | undefined;
  #tail: Uint8Array;

  constructor(identity: Identity) {
    this.#identity = identity;
    this.#tail = this.#tailFor({ bootId: undefined });
  }

  encode({ memory, start, end }: Item, context: FormatContext): readonly Uint8Array[] {
    if (context.bootId !== this.#bootId || context.seal !== this.#seal) {
      this.#bootId = context.bootId;
      this.#seal = context.seal;
      this.#tail = this.#tailFor(context);
    }
    const brace = memory.lastIndexOf(CLOSING_BRACE, end - 1);
    // Every event has a type, so there is a field in front of the comma.
    if (brace <= start || memory[start] !== OPENING_BRACE) return [memory.subarray(start, end - 1)];
    return [memory.subarray(start, brace), this.#tail];
  }

  #tailFor({ bootId, seal }: FormatContext): Uint8Array {
    const { hostId: id, host, stream } = this.#identity;
    const fields = { host_id: id, host, boot_id: bootId, stream, schema_version: SCHEMA_VERSION, seal };
    return Buffer.from(`,${JSON.stringify(fields).slice(1)}`);
  }
}
