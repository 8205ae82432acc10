import type { EventSource, KernelCount, SourceDescription } from '../../stream/event-source.ts';
import { DRAIN_TURN_RECORDS, DRAIN_TURN_SHARE, MAX_NUMBER_JUMP, RING_WAIT_SHARE } from '../../limits.ts';
import { say } from '../../say.ts';
import type { HelperState } from '../../stream/state.ts';
import type { EventStream } from '../../stream/stream.ts';
import { FLUSH_INTERVAL_MS, PIPE_WRITE_BYTES, QUIET_LOOK_MS, TRACE_STOP_MS } from '../limits.ts';
import { readClassicStart } from './classic-process.ts';
import { ProcessJoin } from './join.ts';
import { readProcessStart } from './kernel-process.ts';
import { PayloadError } from './payload.ts';
import type { ProcessLines } from './process-line.ts';
import { RECORD, type RecordRing, type RingRecord } from './record-ring.ts';
import type { EtwSession } from './session.ts';
import type { FromWorker } from './trace-thread.ts';

interface EtwParts {
  readonly session: EtwSession;
  /** Opens the trace of the session again, in the thread that fills the ring. */
  readonly openTrace: () => void;
  readonly ring: RecordRing;
  readonly state: HelperState;
  readonly stream: EventStream;
  readonly lines: ProcessLines;
  readonly description: SourceDescription;
}

/**
 * The Windows source: reads the records that the session's thread puts into the ring. The session runs and the trace is
 * open.
 */
export class EtwSource implements EventSource {
  readonly description: SourceDescription;
  readonly #parts: EtwParts;
  readonly #join: ProcessJoin;
  readonly #turnBytes: number;
  /**
   * Events in addition to the starts that the ring counts: classic halves whose start never came, and losses of the
   * session.
   */
  #beside = 0;
  #lost = 0;
  #ringDropped = 0;
  #sessionLosses = 0;
  /** Halves without a readable payload; their events were sent without them. */
  #unreadableHalves = 0;
  #flushed = 0;
  #trace: 'open' | 'opening' | 'ended' = 'open';
  #stopAsked: number | undefined;
  #lastSequence: bigint | undefined;
  #startsSeen = 0;
  #startsTotal = 0;
  #sequenceBeforeHole: bigint | undefined;

  constructor(parts: EtwParts) {
    this.#parts = parts;
    this.description = parts.description;
    // As much as one write to a client takes; with more, clients fall behind while we are busy.
    this.#turnBytes = Math.min(parts.stream.capacity * DRAIN_TURN_SHARE, PIPE_WRITE_BYTES);
    this.#join = new ProcessJoin((joined) => {
      if (joined.start === undefined) this.#beside++;
      parts.stream.event(parts.lines.build(joined));
    });
  }

  /** Handles a message from the trace's thread. */
  notice(message: FromWorker): void {
    this.#trace = message.type === 'opened' ? 'open' : 'ended';
    if (message.type === 'ended' && message.status !== 0)
      say(`${message.call} ended with Windows error ${message.status}`);
  }

  begin(): void {
    // The session began with the helper, so there are no earlier events.
  }

  drain(): boolean {
    const { ring, state, stream } = this.#parts;
    const now = performance.now();
    this.#flush(now);
    // Events that the clients cannot take yet wait in the ring, where there is room.
    if (stream.isCrowded && ring.fill < RING_WAIT_SHARE) return true;
    const { head } = state;
    const enough = head + this.#turnBytes;
    let taken = 0;
    while (taken < DRAIN_TURN_RECORDS && state.head < enough && ring.take(1, (record) => this.#take(record, now)) === 1)
      taken++;
    this.#join.expire(now);
    if (state.head !== head) state.commit();
    return taken === DRAIN_TURN_RECORDS || state.head >= enough;
  }

  /** The session's thread does not wake us: looking at two numbers now and then is as good. */
  wake(callback: () => void): void {
    const timer = setInterval(() => {
      this.#flush(performance.now());
      if (this.#parts.ring.isEmpty && this.#join.waiting === 0) return;
      clearInterval(timer);
      callback();
    }, QUIET_LOOK_MS);
  }

  settle(): void {
    if (this.drain()) return;
    this.#reportDropped();
    if (this.#stopAsked === undefined) this.#checkSession();
    this.#parts.state.commit();
  }

  count(): KernelCount {
    return { events: this.#started() + this.#beside + this.#lost, lost: this.#lost + this.#ringDropped };
  }

  end(): boolean {
    if (this.#stopAsked === undefined) {
      this.#stopAsked = performance.now();
      this.#parts.session.stop();
    }
    const late = performance.now() - this.#stopAsked > TRACE_STOP_MS;
    if (this.#trace === 'open' && !late) return false;
    while (this.drain());
    this.#join.expire(Number.POSITIVE_INFINITY);
    this.#reportDropped();
    this.#parts.state.commit();
    return true;
  }

  /** Makes Windows deliver its buffers, now and then. */
  #flush(now: number): void {
    if (now - this.#flushed < FLUSH_INTERVAL_MS || this.#stopAsked !== undefined) return;
    this.#flushed = now;
    this.#parts.session.flush();
  }

  #take({ kind, version, time, payload }: RingRecord, now: number): void {
    try {
      if (kind === RECORD.kernelProcess) {
        const start = readProcessStart(payload, version);
        this.#noticeSequence(start.sequence);
        this.#join.addStart(time, start, now);
      } else this.#join.addClassic(time, readClassicStart(payload, version), now);
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error;
      if (kind === RECORD.kernelProcess) this.#parts.stream.gap('session', 1, 'unreadable');
      else if (this.#unreadableHalves++ === 0)
        say(
          `an event of the classic provider, version ${version}, is unreadable (${error.message}): asking processes for their command lines`,
        );
    }
  }

  /**
   * All processes of a boot are numbered, so the number of those made while no session ran is known as soon as the next
   * one starts.
   */
  #noticeSequence(sequence: bigint | undefined): void {
    if (sequence === undefined) return;
    const before = this.#sequenceBeforeHole;
    this.#sequenceBeforeHole = undefined;
    this.#lastSequence = sequence;
    if (before === undefined) return;
    // One of them was reported when the helper found the session stopped.
    const missed = Number(sequence - before) - 2;
    // A larger one is a broken record: the numbers behind such a gap would be those of later boots, or not exact.
    if (missed > 0 && missed <= MAX_NUMBER_JUMP) this.#lose(missed, 'session_stopped');
  }

  #checkSession(): void {
    const losses = this.#parts.session.losses();
    if (losses === undefined || this.#trace === 'ended') return this.#restart();
    const total = losses.events + losses.buffers;
    if (total > this.#sessionLosses) this.#lose(total - this.#sessionLosses, 'session_lost');
    this.#sessionLosses = Math.max(total, this.#sessionLosses);
  }

  /** The session is gone, or another one has its name. Tries to restart it every second until it succeeds. */
  #restart(): void {
    const { session, openTrace } = this.#parts;
    // The thread must have returned from the old trace before it can open the new one.
    if (this.#trace === 'open') return session.stop();
    try {
      session.start();
    } catch (error) {
      return say((error as Error).message);
    }
    say('the tracing session had been stopped; it runs again, and a gap reports the missed events');
    this.#trace = 'opening';
    this.#sessionLosses = 0;
    this.#sequenceBeforeHole = this.#lastSequence;
    this.#lose(1, 'session_stopped');
    openTrace();
  }

  #lose(count: number, cause: string): void {
    this.#parts.stream.gap('session', count, cause);
    this.#lost += count;
  }

  #reportDropped(): void {
    const dropped = (this.#parts.ring.dropped - this.#ringDropped) >>> 0;
    if (dropped === 0) return;
    this.#ringDropped += dropped;
    this.#parts.stream.gap('ring', dropped, 'ring_full');
  }

  /** The ring's count has 32 bits. */
  #started(): number {
    const { starts } = this.#parts.ring;
    this.#startsTotal += (starts - this.#startsSeen) >>> 0;
    this.#startsSeen = starts;
    return this.#startsTotal;
  }
}
