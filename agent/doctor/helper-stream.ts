import { setTimeout as delay } from 'node:timers/promises';
import type { HeartbeatEvent } from '../../shared/events/heartbeat.ts';
import type { HelloEvent } from '../../shared/events/hello.ts';
import type { Item } from '../events/item.ts';
import { connectToHelper, type Trust } from '../source/connect.ts';
import type { SourceConnection } from '../source/connection.ts';
import { ReplayFilter } from '../source/replay-filter.ts';
import { Session } from '../source/session.ts';
import { SourceState } from '../source/source-state.ts';
import { explainFailure } from '../source/unreachable.ts';

/** The first line comes at once; a machine under load may need a moment. */
const HELLO_MS = 2000;

/** How long the events that the helper still holds may take to arrive, in milliseconds. They come first. */
const REPLAY_MS = 10_000;

const READ_BYTES = 256 * 1024;

/** There is no stream of the helper. The message says why. */
class NoStreamError extends Error {
  override readonly name = 'NoStreamError';
}

/** A connection to the helper of one's own, to see whether events come. */
export class HelperStream {
  readonly #state = new SourceState();
  readonly #session: Session;
  #connection: SourceConnection | undefined;
  #failure: string | undefined;
  #lastSeq = -1;
  #lookFor: string | undefined;
  #wasSeen = false;
  #changed = Promise.withResolvers<void>();

  private constructor() {
    this.#session = new Session(new ReplayFilter(), {
      state: this.#state,
      onHello: (hello) => this.#state.connected(hello),
      onUnreadable: () => undefined,
    });
  }

  /** @throws {NoStreamError} */
  static async open(path: string, trust: Trust): Promise<HelperStream> {
    const stream = new HelperStream();
    stream.#connect(path, trust);
    await stream.#until(() => stream.#state.hello !== undefined, HELLO_MS);
    if (stream.#state.hello !== undefined) return stream;
    stream.close();
    throw new NoStreamError(
      stream.#failure ?? `${path} accepts connections, but sent nothing within ${HELLO_MS / 1000} s`,
    );
  }

  #connect(path: string, trust: Trust): void {
    try {
      this.#connection = connectToHelper(path, trust, () => this.#session.room(READ_BYTES), {
        onBytes: (bytes) => {
          this.#read(bytes, path);
          return this.#failure === undefined;
        },
        onError: (error) => this.#fail(explainFailure(error, path)),
        onClose: () => this.#fail(`${path} closed the connection; it may have too many clients`),
      });
    } catch (error) {
      this.#fail(explainFailure(error, path));
    }
  }

  #read(bytes: number, path: string): void {
    const items: Item[] = [];
    try {
      this.#session.received(bytes, items);
    } catch (error) {
      return this.#fail(explainFailure(error, path));
    }
    for (const { last, memory, start, end } of items) {
      this.#lastSeq = Math.max(this.#lastSeq, last);
      if (this.#lookFor !== undefined && memory.subarray(start, end).includes(this.#lookFor)) this.#wasSeen = true;
    }
    this.#wake();
  }

  #fail(reason: string): void {
    this.#failure ??= reason;
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  get hello(): HelloEvent {
    return this.#state.hello!;
  }

  /** Why it has ended; undefined while it has not. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Waits until everything was read that the helper held when it was asked. */
  async caughtUp(): Promise<void> {
    const { last_seq: last, oldest_held_seq: oldest } = this.hello;
    if (oldest !== undefined) await this.#until(() => this.#lastSeq >= last, REPLAY_MS);
  }

  /** Looks for a text in events from now on. Call it before the event can come. */
  expect(text: string): void {
    this.#lookFor = text;
    this.#wasSeen = false;
  }

  /** @returns whether that text came, within so many milliseconds */
  async saw(ms: number): Promise<boolean> {
    await this.#until(() => this.#wasSeen, ms);
    return this.#wasSeen;
  }

  /** The newest heartbeat, or the first one, if it comes within so many milliseconds. */
  async heartbeat(ms: number): Promise<HeartbeatEvent | undefined> {
    await this.#until(() => this.#state.heartbeat !== undefined, ms);
    return this.#state.heartbeat;
  }

  async #until(what: () => boolean, ms: number): Promise<void> {
    const over = new AbortController();
    const late = delay(ms, 'late', { signal: over.signal }).catch(() => 'late');
    while (!what() && this.#failure === undefined)
      if ((await Promise.race([this.#changed.promise, late])) === 'late') break;
    over.abort();
  }

  close(): void {
    this.#failure ??= 'closed';
    this.#connection?.destroy();
  }
}
