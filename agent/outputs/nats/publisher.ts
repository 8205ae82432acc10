import type { Fate, Reply } from './acknowledgement.ts';
import type { Connection } from './connection.ts';
import { ServerError } from './server-error.ts';

/** How many messages may be unanswered. */
const MAX_MESSAGES = 256;

/** How many bytes they may have together. A larger message goes alone. */
const MAX_BYTES = 4 * 1024 * 1024;

export interface Message {
  readonly subject: string;
  /** As `headOf` makes it. */
  readonly head: string;
  readonly payload: Buffer;
}

/** The fate of a message. */
export interface Sent {
  readonly fate: Fate;
  /** The server's words where it refused the message. */
  readonly reply?: string;
}

const TAKEN: Sent = { fate: { kind: 'taken' } };

/**
 * Publishes messages on one connection, with a bounded number of them unanswered. Until one is taken, and after one was not, it
 * is one at a time: then a stream that is away costs one message an attempt, and none overtakes another.
 */
export class Publisher {
  readonly #connection: Connection;
  readonly #judge: (reply: Reply) => Fate;
  #messages = 0;
  #bytes = 0;
  #isWide = false;
  #wake: (() => void) | undefined;

  constructor(connection: Connection, judge: (reply: Reply) => Fate) {
    this.#connection = connection;
    this.#judge = judge;
  }

  /**
   * Publishes messages in order until one has to be sent again, and waits for all answers.
   * @param messageAt makes message `i` of `count`; called once for each, in order
   * @returns the fates of those that were sent, in order
   */
  async publish(count: number, messageAt: (i: number) => Message): Promise<Sent[]> {
    const results: Sent[] = [];
    let next: Message | undefined;
    let begun = 0;
    let failed = false;
    const answered = (i: number, bytes: number, reply: Reply | ServerError): void => {
      results[i] = this.#resultOf(reply);
      failed ||= results[i].fate.kind === 'retry';
      this.#isWide = !failed;
      this.#messages--;
      this.#bytes -= bytes;
      this.#wake?.();
    };
    while (this.#messages > 0 || (begun < count && !failed)) {
      this.#connection.together(() => {
        while (begun < count && !failed) {
          next ??= messageAt(begun);
          const bytes = next.head.length + next.payload.length;
          const { maxPayload } = this.#connection;
          if (bytes > maxPayload) results[begun] = { fate: tooLarge(maxPayload) };
          else if (this.#fits(bytes)) {
            this.#messages++;
            this.#bytes += bytes;
            const i = begun;
            this.#connection.publish(next, (reply) => answered(i, bytes, reply));
          } else break;
          begun++;
          next = undefined;
        }
      });
      if (this.#messages > 0) await this.#nextAnswer();
    }
    return results;
  }

  #fits(bytes: number): boolean {
    if (this.#messages === 0) return true;
    return this.#isWide && this.#messages < MAX_MESSAGES && this.#bytes + bytes <= MAX_BYTES;
  }

  async #nextAnswer(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
    this.#wake = undefined;
  }

  #resultOf(reply: Reply | ServerError): Sent {
    if (reply instanceof ServerError) return { fate: { kind: 'retry', reason: reply.message } };
    const fate = this.#judge(reply);
    if (fate.kind === 'taken') return TAKEN;
    return fate.kind === 'refused' ? { fate, reply: reply.payload.toString('utf8') } : { fate };
  }
}

function tooLarge(maxPayload: number): Fate {
  return { kind: 'refused', reason: `the event is larger than the server takes (max_payload, ${maxPayload} bytes)` };
}
