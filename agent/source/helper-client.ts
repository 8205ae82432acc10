import { AgentError, reasonOf, systemCode } from '../errors.ts';
import type { Item } from '../events/item.ts';
import type { Numbering } from '../events/position.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { backoff, type Pace } from '../backoff.ts';
import { connectToHelper, type Trust } from './connect.ts';
import type { SourceConnection } from './connection.ts';
import type { Continuity, ReplayFilter } from './replay-filter.ts';
import { Session } from './session.ts';
import type { HelloEvent } from '../../shared/events/hello.ts';

const RETRY: Pace = { firstMs: 100, longestMs: 5000 };

/** A connection that lasted this long counts as one that worked: the next retry is immediate again. */
const STABLE_AFTER_MS = 5000;

/** How long the helper may take for its first line. */
const HELLO_TIMEOUT_MS = 10_000;

/** Heartbeats that may be missing before the helper counts as dead. */
const MISSED_HEARTBEATS = 3;

/** Bounds for the heartbeat that a hello announces: a timer beyond them would spin or never fire. */
const HEARTBEAT_BOUNDS_MS = { least: 100, most: 3_600_000 };

/**
 * More than a Unix socket holds, so that a read takes all there is and then the outputs have their turn. A read that fills its
 * memory would be followed by the next at once, and outputs fall behind. The same memory serves every read of a connection:
 * new memory for each would be returned to the system late and in pieces.
 */
const READ_BYTES = 256 * 1024;

export interface HelperClientOptions {
  socketPath: string;
  /** Who must own the socket. */
  trust: Trust;
  /** Outlives the client, so that a client for another socket goes on where this one stopped. */
  filter: ReplayFilter;
  telemetry: Telemetry;
  /**
   * Gets what a hello says about numbers, before the events that it is about.
   * @returns the first number that any output has not stored, where all of them know
   */
  onNumbering: (numbering: Numbering) => number | undefined;
  /** Gets the new events of each chunk that was read, in order. Must not keep the array, nor an item. May ask to wait before more is read. */
  onItems: (items: readonly Item[]) => Promise<unknown> | undefined;
}

/**
 * Reads events from the helper's socket for as long as it runs: connects, and
 * connects again. Reads only; not one byte is ever written, and a broken stream
 * ends the connection, never the agent.
 */
export class HelperClient {
  readonly #options: HelperClientOptions;
  #failures = 0;
  #stopped = false;
  #connection: SourceConnection | undefined;
  /** Of the connection that is being made or read; events of an earlier one are nobody's. */
  #attempt = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: HelperClientOptions) {
    this.#options = options;
  }

  /** Begins to connect and returns at once. */
  start(): void {
    this.#stopped = false;
    void this.#connect();
  }

  /** Ends the connection. Nothing reaches `onItems` after it returned. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
    this.#attempt++;
    this.#connection?.destroy();
    this.#connection = undefined;
  }

  async #connect(): Promise<void> {
    const { socketPath, trust, filter, telemetry, onItems } = this.#options;
    const attempt = ++this.#attempt;
    const connectedAt = performance.now();
    let items: Item[] = [];
    let failure: unknown;
    let sawLine = false;
    let silentTicks = 0;
    let isWaiting = false;

    let connection: SourceConnection | undefined;

    const silence = () => {
      failure = new AgentError('HELPER_PROTOCOL', 'no line in time');
      connection?.destroy();
    };
    let watchdog = setInterval(silence, HELLO_TIMEOUT_MS);

    const session = new Session(filter, {
      onHello: (hello, continuity) => {
        // First what the numbering before this one still had to say.
        deliver();
        this.#reportHello(hello, continuity);
        this.#resume(hello, continuity);
        clearInterval(watchdog);
        const heartbeatMs = Math.min(
          Math.max(hello.heartbeat_seconds * 1000, HEARTBEAT_BOUNDS_MS.least),
          HEARTBEAT_BOUNDS_MS.most,
        );
        watchdog = setInterval(() => {
          // Ticks are counted rather than time: an agent that was itself stopped for a while has missed nothing.
          // Who does not read hears nothing.
          silentTicks = sawLine || isWaiting ? 0 : silentTicks + 1;
          sawLine = false;
          if (silentTicks < MISSED_HEARTBEATS) return;
          telemetry.raise('HelperSilent', { seconds: (heartbeatMs * MISSED_HEARTBEATS) / 1000 });
          connection?.destroy();
        }, heartbeatMs);
      },
      onHeartbeat: () => undefined,
      onUnreadable: (reason) => telemetry.raiseRepeating('EventUnreadable', reason, { reason }),
    });

    const deliver = () => {
      if (items.length === 0) return undefined;
      const batch = items;
      items = [];
      return onItems(batch);
    };

    const receive = (chunk: Buffer) => {
      const before = { ...filter.counts };
      try {
        if (session.receive(chunk, items) > 0) sawLine = true;
      } catch (error) {
        failure = error;
        connection?.destroy();
      }
      this.#reportCounts(before);
      return deliver();
    };

    const memory = Buffer.allocUnsafeSlow(READ_BYTES);
    try {
      connection = await connectToHelper(socketPath, trust, memory, {
        onBytes: (bytes) => {
          if (this.#attempt !== attempt) return false;
          const wait = receive(memory.subarray(0, bytes));
          if (wait === undefined) return true;
          isWaiting = true;
          void wait.finally(() => {
            isWaiting = false;
            connection?.resume();
          });
          return false;
        },
        onError: (error) => {
          failure ??= error;
        },
        onClose: () => {
          clearInterval(watchdog);
          if (this.#attempt !== attempt) return;
          this.#connection = undefined;
          if (performance.now() - connectedAt >= STABLE_AFTER_MS) this.#failures = 0;
          if (failure === undefined) telemetry.raiseRepeating('HelperDisconnected', '', {});
          this.#failed(failure);
        },
      });
    } catch (error) {
      clearInterval(watchdog);
      if (this.#attempt === attempt) this.#failed(error);
      return;
    }
    if (this.#attempt === attempt) this.#connection = connection;
    else connection.destroy();
  }

  /** Goes on where the outputs were left by an agent before this one. */
  #resume(hello: HelloEvent, continuity: Continuity): void {
    const { filter, telemetry, onNumbering } = this.#options;
    const due = onNumbering({ bootId: hello.boot_id, firstSeq: hello.first_seq, lastSeq: hello.last_seq });
    if (due === undefined || !(continuity === 'first' || continuity === 'boot_changed')) return;
    if (due < hello.first_seq) telemetry.raise('ProbeReloaded', { first_seq: hello.first_seq });
    filter.skipTo(due);
  }

  #failed(error: unknown): void {
    if (this.#stopped) return;
    if (error !== undefined) this.#reportFailure(error);
    const failures = this.#failures++;
    // The first retry is immediate: a helper that restarts is back at once.
    const delay = failures === 0 ? 0 : backoff(failures, RETRY);
    this.#retry = setTimeout(() => void this.#connect(), delay);
  }

  #reportFailure(error: unknown): void {
    const { socketPath, telemetry } = this.#options;
    const reason = explain(error, socketPath);
    const refused = error instanceof AgentError || systemCode(error) === undefined;
    telemetry.raiseRepeating(refused ? 'HelperRefused' : 'HelperUnreachable', reason, { socket: socketPath, reason });
  }

  #reportHello(hello: HelloEvent, continuity: Continuity): void {
    const { telemetry } = this.#options;
    telemetry.raise('HelperConnected', {
      helper: hello.helper,
      source: hello.source,
      boot_id: hello.boot_id,
      last_seq: hello.last_seq,
      helper_uid: hello.privileges.uid,
      helper_capabilities: hello.privileges.capabilities,
    });
    if (continuity === 'probe_reloaded') telemetry.raise('ProbeReloaded', { first_seq: hello.first_seq });
    if (continuity === 'boot_changed') telemetry.raise('BootChanged', { boot_id: hello.boot_id });
    if (continuity === 'numbers_reused') telemetry.raise('NumbersReused', { first_seq: hello.first_seq });
  }

  #reportCounts(before: { missing: number; outOfOrder: number }): void {
    const { filter, telemetry } = this.#options;
    const missing = filter.counts.missing - before.missing;
    const outOfOrder = filter.counts.outOfOrder - before.outOfOrder;
    if (missing > 0) telemetry.raiseRepeating('EventsMissing', 'pipe', { hop: 'pipe', count: missing });
    if (outOfOrder > 0) telemetry.raiseRepeating('EventsOutOfOrder', '', { count: outOfOrder });
  }
}

function explain(error: unknown, socketPath: string): string {
  switch (systemCode(error)) {
    case 'ENOENT':
      return `there is no socket at ${socketPath}; is probes-helper running?`;
    case 'ECONNREFUSED':
      return 'nobody listens on the socket; is probes-helper running?';
    case 'EACCES':
      return `this user may not use the socket; the agent's user must be in the group that owns ${socketPath}`;
    default:
      return reasonOf(error);
  }
}
