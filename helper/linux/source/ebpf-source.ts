import { readFileSync, statSync } from 'node:fs';
import type { Clock } from '../../stream/clock.ts';
import type { EventSource, KernelCount, SourceDescription } from '../../stream/event-source.ts';
import type { Libc } from '../libc.ts';
import type { ReadableOnce } from '../../unix/watch.ts';
import { DRAIN_TURN_RECORDS, DRAIN_TURN_SHARE, RING_WAIT_SHARE } from '../../limits.ts';
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

/** Filling of the ring up to which the next look may come later: in twice the time it is half full. */
const ROOMY_SHARE = 1 / 4;

/** The Linux source: reads the ring that the attached probe fills. Needs no privilege, only the descriptors. */
export class EbpfSource implements EventSource {
  readonly description: SourceDescription;
  hasRoom = false;
  /** Whether the last turn left something for the next one. */
  #goesOn = false;
  readonly #ring: RingBuffer;
  readonly #reader: RecordReader;
  readonly #counters: KernelCounters;
  readonly #state: HelperState;
  readonly #stream: EventStream;
  readonly #skippedRuns: SkippedRuns;

  readonly #turnBytes: number;
  readonly #whenReadable: ReadableOnce;

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
    // Of a look that takes several turns, the first one counts: it finds the most.
    if (!this.#goesOn) this.hasRoom = ring.pendingBytes <= ring.size * ROOMY_SHARE;
    const { head } = state;
    this.#enough = head + this.#turnBytes;
    this.#last = head;
    this.#more = true;
    const taken = ring.take(DRAIN_TURN_RECORDS, this.#take);
    if (reader.hasOpen) reader.closeStale(performance.now());
    // In this order: what the ring forgets is by then in the backlog, for a successor too.
    if (taken > 0 || state.head !== head) state.commit();
    ring.release(reader.firstNeeded(ring.position, ring.size / 4));
    return (this.#goesOn = taken === DRAIN_TURN_RECORDS || !this.#more);
  }

  /** Keeps events that the clients cannot take yet where there is room, before any are cut. */
  #shouldWait(): boolean {
    return this.#stream.isCrowded && this.#ring.pendingBytes < this.#ring.size * RING_WAIT_SHARE;
  }

  wake(callback: () => void): void {
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
