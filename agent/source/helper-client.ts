import type { Item } from '../events/item.ts';
import type { Numbering } from '../events/position.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { backoff, type Pace } from '../backoff.ts';
import { connectToHelper, type Trust } from './connect.ts';
import type { SourceConnection } from './connection.ts';
import type { Continuity, ReplayFilter } from './replay-filter.ts';
import { Session } from './session.ts';
import { SourceState } from './source-state.ts';
import { explainFailure, isGone, wasRefused } from './unreachable.ts';
import type { HelloEvent } from '../../shared/events/hello.ts';

/** While the agent is away, the helper's backlog fills: in a storm of 15,000 programs a second, within two seconds. */
const RETRY: Pace = { firstMs: 100, longestMs: 1000 };

/** A connection that brought new events has worked, and on a quiet machine one that lasted this long: the next retry is immediate again. */
const STABLE_AFTER_MS = 5000;

/** How long the helper may take for its first line. */
const HELLO_TIMEOUT_MS = 10_000;

/** Heartbeats that may be missing before the helper counts as dead. */
const MISSED_HEARTBEATS = 3;

/** Bounds for the heartbeat that a hello announces: a timer beyond them would spin or never fire. */
const HEARTBEAT_BOUNDS_MS = { least: 100, most: 3_600_000 };

/**
 * More than a Unix socket holds, so that one read takes everything and the outputs run next. After a read that
 * fills its memory, Node.js reads again at once, and outputs fall behind. Every read of a connection uses the memory of its
 * session: new memory for each read would return to the system late and in pieces.
 */
const READ_BYTES = 256 * 1024;

export interface HelperClientOptions {
  socketPath: string;
  /** The required owner of the socket. */
  trust: Trust;
  /** Outlives the client, so that a client for another socket continues where this one stopped. */
  filter: ReplayFilter;
  /** Outlives it as well. */
  state?: SourceState;
  telemetry: Telemetry;
  /** Milliseconds that the helper may take for its first line. */
  helloTimeoutMs?: number;
  /**
   * Gets the numbering of a hello, before the events that it covers.
   * @returns the first number that some output has not stored; undefined unless all of them know
   */
  onNumbering: (numbering: Numbering) => number | undefined;
  /** Gets the new events of each chunk that was read, in order. Must not keep the array or an item. May return a promise to await before the next read. */
  onItems: (items: readonly Item[]) => Promise<unknown> | undefined;
}

/**
 * Reads events from the helper's socket for as long as it runs: connects, and
 * connects again. Only reads, never writes. A broken stream
 * ends the connection, never the agent.
 */
export class HelperClient {
  readonly #options: HelperClientOptions;
  #failures = 0;
  #stopped = false;
  #connection: SourceConnection | undefined;
  /** Number of the current connection. Events of earlier ones are ignored. */
  #attempt = 0;
  readonly #state: SourceState;
  readonly #startedAt = performance.now();
  #retry: NodeJS.Timeout | undefined;

  constructor(options: HelperClientOptions) {
    this.#options = options;
    this.#state = options.state ?? new SourceState();
  }

  /** Starts to connect and returns at once. */
  start(): void {
    this.#stopped = false;
    this.#connect();
  }

  /** Ends the connection. Nothing reaches `onItems` afterwards. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
    this.#attempt++;
    this.#state.disconnected();
    this.#connection?.destroy();
    this.#connection = undefined;
  }

  #connect(): void {
    const { socketPath, trust, filter, telemetry, helloTimeoutMs = HELLO_TIMEOUT_MS, onItems } = this.#options;
    const attempt = ++this.#attempt;
    const connectedAt = performance.now();
    let items: Item[] = [];
    let failure: unknown;
    let sawLine = false;
    let silentTicks = 0;
    let isWaiting = false;
    let silent = false;
    let broughtNew = false;

    let connection: SourceConnection | undefined;

    const silence = () => {
      silent = true;
      this.#state.fellSilent();
      const seconds = Math.round((performance.now() - (this.#state.heardAt ?? this.#startedAt)) / 1000);
      telemetry.raiseRepeating('HelperSilent', '', { seconds });
      connection?.destroy();
    };
    let watchdog = setInterval(silence, helloTimeoutMs);

    const session = new Session(filter, {
      state: this.#state,
      onHello: (hello, continuity) => {
        // Pass on the events of the previous numbering first. The session keeps filling the same array.
        if (items.length > 0) void onItems(items.splice(0));
        this.#state.connected(hello);
        this.#reportHello(hello, continuity);
        this.#resume(hello, continuity);
        clearInterval(watchdog);
        const heartbeatMs = Math.min(
          Math.max(hello.heartbeat_seconds * 1000, HEARTBEAT_BOUNDS_MS.least),
          HEARTBEAT_BOUNDS_MS.most,
        );
        watchdog = setInterval(() => {
          // Count ticks, not time: a suspended agent has missed no heartbeat. While the agent waits, silence means nothing.
          silentTicks = sawLine || isWaiting ? 0 : silentTicks + 1;
          sawLine = false;
          if (silentTicks >= MISSED_HEARTBEATS) silence();
        }, heartbeatMs);
      },
      onUnreadable: (reason) => telemetry.raiseRepeating('EventUnreadable', reason, { reason }),
    });

    const deliver = () => {
      if (items.length === 0) return undefined;
      const batch = items;
      items = [];
      broughtNew = true;
      return onItems(batch);
    };

    const receive = (bytes: number) => {
      const { missing, outOfOrder } = filter.counts;
      try {
        if (session.received(bytes, items) > 0) {
          sawLine = true;
          this.#state.heardAt = performance.now();
        }
      } catch (error) {
        failure = error;
        connection?.destroy();
      }
      this.#reportCounts(missing, outOfOrder);
      return deliver();
    };

    try {
      connection = connectToHelper(socketPath, trust, () => session.room(READ_BYTES), {
        onBytes: (bytes) => {
          if (this.#attempt !== attempt) return false;
          const wait = receive(bytes);
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
          this.#state.disconnected();
          if (broughtNew || performance.now() - connectedAt >= STABLE_AFTER_MS) this.#failures = 0;
          if (failure === undefined && !silent) telemetry.raiseRepeating('HelperDisconnected', '', {});
          this.#failed(failure);
        },
      });
    } catch (error) {
      clearInterval(watchdog);
      this.#failed(error);
      return;
    }
    this.#connection = connection;
  }

  /** Continues where an earlier agent left the outputs. */
  #resume(hello: HelloEvent, continuity: Continuity): void {
    const { filter, telemetry, onNumbering } = this.#options;
    const due = onNumbering({ bootId: hello.boot_id, firstSeq: hello.first_seq, lastSeq: hello.last_seq });
    if (due === undefined || !(continuity === 'first' || continuity === 'boot_changed')) return;
    if (due < hello.first_seq) telemetry.raise('ProbeReloaded', { first_seq: hello.first_seq });
    filter.skipTo(due);
  }

  #failed(error: unknown): void {
    if (this.#stopped) return;
    if (isGone(error)) this.#state.gone();
    if (error !== undefined) this.#reportFailure(error);
    const failures = this.#failures++;
    // The first retry is immediate: a helper that restarts is back at once.
    const delay = failures === 0 ? 0 : backoff(failures, RETRY);
    this.#retry = setTimeout(() => this.#connect(), delay);
  }

  #reportFailure(error: unknown): void {
    const { socketPath, telemetry } = this.#options;
    const reason = explainFailure(error, socketPath);
    const event = wasRefused(error) ? 'HelperRefused' : 'HelperUnreachable';
    telemetry.raiseRepeating(event, reason, { socket: socketPath, reason });
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

  /** Reports what was added to these counts. */
  #reportCounts(missingBefore: number, outOfOrderBefore: number): void {
    const { filter, telemetry } = this.#options;
    const missing = filter.counts.missing - missingBefore;
    const outOfOrder = filter.counts.outOfOrder - outOfOrderBefore;
    if (missing > 0) telemetry.raiseRepeating('EventsMissing', 'pipe', { hop: 'pipe', count: missing });
    if (outOfOrder > 0) telemetry.raiseRepeating('EventsOutOfOrder', '', { count: outOfOrder });
  }
}
