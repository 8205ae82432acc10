import type { HeartbeatEvent } from '../../shared/events/heartbeat.ts';
import type { HelloEvent } from '../../shared/events/hello.ts';
import type { ProbeEvent } from '../../shared/events/parse.ts';

/** Types that are counted apart; `other` are those that this version does not know. */
type ReceivedType = Exclude<ProbeEvent['type'], 'hello' | 'heartbeat'> | 'other';

/** The agent's knowledge of the helper, over all connections. Times are on the clock of `performance.now`. */
export class SourceState {
  /** New events by type. What was taken before and came in a replay is not counted. */
  readonly received: Record<ReceivedType, number> = {
    exec: 0,
    exec_failed: 0,
    fork: 0,
    exit: 0,
    gap: 0,
    clock: 0,
    other: 0,
  };
  /** Connections on which the helper introduced itself. */
  connections = 0;
  /** When a line came last. */
  heardAt: number | undefined;
  /** Since when the helper, though it can be connected to, sends nothing; until it sends a heartbeat, or is gone. */
  #silentSince: number | undefined;
  #hello: HelloEvent | undefined;
  #heartbeat: HeartbeatEvent | undefined;
  /** Since when there is no connection; undefined while there is one. */
  #awaySince: number | undefined = performance.now();

  /** The newest introduction. */
  get hello(): HelloEvent | undefined {
    return this.#hello;
  }

  /** The newest heartbeat. */
  get heartbeat(): HeartbeatEvent | undefined {
    return this.#heartbeat;
  }

  get isConnected(): boolean {
    return this.#awaySince === undefined;
  }

  /** Milliseconds without a connection; 0 while there is one. */
  get awayMs(): number {
    return this.#awaySince === undefined ? 0 : performance.now() - this.#awaySince;
  }

  /** Nothing came for so long that the helper was given up, though it can be connected to. */
  get silent(): boolean {
    return this.#silentSince !== undefined;
  }

  /** Milliseconds since it was given up for its silence; 0 while it is not silent. */
  get silentMs(): number {
    return this.#silentSince === undefined ? 0 : performance.now() - this.#silentSince;
  }

  /** It sent nothing for too long. */
  fellSilent(): void {
    this.#silentSince ??= performance.now();
  }

  /** Nobody serves the socket: the helper does not run, which is another thing than silence. */
  gone(): void {
    this.#silentSince = undefined;
  }

  connected(hello: HelloEvent): void {
    this.connections++;
    this.#hello = hello;
    this.#awaySince = undefined;
  }

  disconnected(): void {
    this.#awaySince ??= performance.now();
  }

  beat(heartbeat: HeartbeatEvent): void {
    this.#heartbeat = heartbeat;
    this.#silentSince = undefined;
  }

  count(type: string): void {
    this.received[Object.hasOwn(this.received, type) ? (type as ReceivedType) : 'other']++;
  }
}
