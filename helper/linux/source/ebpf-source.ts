import { readFileSync, statSync } from 'node:fs';
import type { Clock } from '../../stream/clock.ts';
import type { EventSource, KernelCount, SourceDescription } from '../../stream/event-source.ts';
import type { Libc } from '../libc.ts';
import type { ReadableOnce } from '../../unix/watch.ts';
import {
  AFTER_QUIET_INTERVAL_MS,
  DRAIN_INTERVAL_MS,
  DRAIN_TURN_RECORDS,
  DRAIN_TURN_SHARE,
  LOOK_SHARE,
  MIN_DRAIN_INTERVAL_MS,
  RING_EASED_SHARE,
  RING_WAIT_SHARE,
  STORM_EVENTS,
  STORM_INTERVAL_MS,
} from '../../limits.ts';
import type { HelperState } from '../../stream/state.ts';
import type { EventStream } from '../../stream/stream.ts';
import { SkippedRuns, type KernelCounters } from './counters.ts';
import { ExecLines } from './exec-line.ts';
import type { ProbeHandles } from '../root/probe.ts';
import { tracepointOf } from '../programs.ts';
import { RecordReader } from './record-reader.ts';
import { NAMESPACES } from './record.ts';
import { RingBuffer, type RecordHandler } from './ring-buffer.ts';

/** A line from which on it is worth asking whether the clients keep up. */
const LONG_LINE_BYTES = 4096;

/** The Linux source: reads the ring that the attached probe fills. Needs no privilege, only the descriptors. */
export class EbpfSource implements EventSource {
  readonly description: SourceDescription;
  readonly #ring: RingBuffer;
  readonly #reader: RecordReader;
  readonly #counters: KernelCounters;
  readonly #state: HelperState;
  readonly #stream: EventStream;
  readonly #skippedRuns: SkippedRuns;

  readonly #turnBytes: number;
  readonly #whenReadable: ReadableOnce;
  /** Whether the ring has no room any more for events that wait. */
  #isFull = false;
  /** Where the ring stood at the last call of `nextLookMs`, and when that was. */
  #lookedTo = 0;
  #lookedAt = 0;
  /** Whether it was quiet until the last look. */
  #wasQuiet = true;

  /** Of the turn of `drain`: where the backlog ended before the last record, where it is filled enough, whether to go on. */
  #last = 0;
  #enough = 0;
  #more = true;
  /** Made once, as in RecordReader. */
  readonly #take: RecordHandler = (offset, length, position) => {
    this.#reader.take(offset, length, position);
    const now = this.#state.head;
    this.#more = now < this.#enough && (now - this.#last < LONG_LINE_BYTES || !this.#shouldWait());
    this.#last = now;
    return this.#more;
  };

  /** @param whenReadable of the ring's descriptor */
  constructor(
    libc: Libc,
    handles: ProbeHandles,
    counters: KernelCounters,
    state: HelperState,
    stream: EventStream,
    clock: Clock,
    whenReadable: ReadableOnce,
  ) {
    const namespaces = NAMESPACES.map((name) => statSync(`/proc/self/ns/${name}`).ino);
    this.description = {
      platform: 'linux',
      source: 'ebpf',
      boot_id: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
      probe_sha256: handles.sha256,
      ...reported(handles),
      ns: Object.fromEntries(NAMESPACES.map((name, i) => [name, namespaces[i] as number])),
    };
    this.#counters = counters;
    this.#whenReadable = whenReadable;
    this.#state = state;
    this.#stream = stream;
    this.#turnBytes = stream.capacity * DRAIN_TURN_SHARE;
    this.#skippedRuns = new SkippedRuns(handles.programs, counters);
    const { baseline } = handles;
    if (baseline !== undefined) state.skippedEarlier = state.skipped + baseline.recovered - baseline.skipped;
    this.#ring = new RingBuffer(libc, handles.ring, handles.ringBytes);
    this.#reader = new RecordReader(
      this.#ring,
      new ExecLines(clock, namespaces, handles.env),
      stream,
      state,
      counters,
      clock,
    );
  }

  begin(): void {
    this.#ring.scan((offset) => this.#reader.notice(offset));
    while (this.drain());
  }

  drain(): boolean {
    const ring = this.#ring;
    const reader = this.#reader;
    const state = this.#state;
    if (this.#shouldWait()) return true;
    const { head } = state;
    this.#enough = head + this.#turnBytes;
    this.#last = head;
    this.#more = true;
    const taken = ring.take(DRAIN_TURN_RECORDS, this.#take);
    if (reader.hasOpen) {
      reader.closeStale(performance.now());
      reader.keep();
    }
    // In this order: what the ring forgets is by then in the backlog, for a successor too.
    if (taken > 0 || state.head !== head) state.commit();
    ring.release(reader.firstNeeded(ring.position, ring.size / 4));
    return taken === DRAIN_TURN_RECORDS || !this.#more;
  }

  /** Keeps events that the clients cannot take yet where there is room, before any are cut. */
  #shouldWait(): boolean {
    if (!this.#stream.isCrowded) return false;
    const share = this.#ring.pendingBytes / this.#ring.size;
    this.#isFull = share >= (this.#isFull ? RING_EASED_SHARE : RING_WAIT_SHARE);
    return !this.#isFull;
  }

  /**
   * Later in a storm; sooner after a quiet time, and where the ring would fill too far by then, at the rate at which it
   * filled since the last look.
   */
  nextLookMs(now: number, events: number): number {
    const { position, size } = this.#ring;
    const bytes = (position - this.#lookedTo) >>> 0;
    const elapsed = now - this.#lookedAt;
    this.#lookedTo = position;
    this.#lookedAt = now;
    const usual = this.#wasQuiet
      ? AFTER_QUIET_INTERVAL_MS
      : events < STORM_EVENTS
        ? DRAIN_INTERVAL_MS
        : STORM_INTERVAL_MS;
    this.#wasQuiet = false;
    return bytes === 0
      ? usual
      : Math.max(MIN_DRAIN_INTERVAL_MS, Math.min(usual, (size * LOOK_SHARE * elapsed) / bytes));
  }

  wake(callback: () => void): void {
    this.#wasQuiet = true;
    this.#whenReadable(callback);
  }

  settle(): void {
    // Read the counters before draining: then all events around these losses are drained too.
    const counts = this.#counters.all();
    // More events wait or are being written: their numbers may lie before a loss. Report it next time.
    if (this.drain() || this.#ring.pendingBytes > 0) return;
    this.#reader.settle(counts);
    this.#reportSkipped();
    this.#state.commit();
  }

  count(): KernelCount {
    const { events, lost } = this.#counters.totals();
    const { repeated, skipped } = this.#state;
    return { events: events - repeated + skipped, lost: lost + skipped };
  }

  #reportSkipped(): void {
    const count = this.#skippedRuns.total() + this.#state.skippedEarlier - this.#state.skipped;
    if (count <= 0) return;
    this.#stream.gap('probe', count, 'probe_skipped');
    this.#state.skipped += count;
  }
}

/** The fields of hello about the programs, and about the events beyond programs that began to run. */
function reported({
  programs,
  env,
}: ProbeHandles): Pick<SourceDescription, 'programs'> & Partial<Pick<SourceDescription, 'env' | 'forks' | 'exits'>> {
  const points = new Set(Object.keys(programs).map(tracepointOf));
  return {
    programs: Object.keys(programs),
    ...(env.length === 0 ? {} : { env: [...env] }),
    ...(points.has('sched_process_fork') ? { forks: true } : {}),
    ...(points.has('sched_process_exit') ? { exits: true } : {}),
  };
}
