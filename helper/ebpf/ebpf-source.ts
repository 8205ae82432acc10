import { readFileSync, statSync } from 'node:fs';
import type { Clock } from '../clock.ts';
import type { EventSource, KernelCount, SourceDescription } from '../event-source.ts';
import type { Libc } from '../ffi/libc.ts';
import { DRAIN_TURN_RECORDS } from '../limits.ts';
import type { HelperState } from '../state.ts';
import type { EventStream } from '../stream.ts';
import type { KernelCounters } from './counters.ts';
import { ExecLines } from './exec-line.ts';
import type { ProbeHandles } from './probe.ts';
import { RecordReader } from './record-reader.ts';
import { NAMESPACES } from './record.ts';
import { RingBuffer } from './ring-buffer.ts';

/** The Linux source: reads the ring that the attached probe fills. Needs no privilege, only the descriptors. */
export class EbpfSource implements EventSource {
  readonly description: SourceDescription;
  readonly #ring: RingBuffer;
  readonly #reader: RecordReader;
  readonly #counters: KernelCounters;
  readonly #state: HelperState;

  constructor(libc: Libc, handles: ProbeHandles, counters: KernelCounters, state: HelperState, stream: EventStream, clock: Clock) {
    const namespaces = NAMESPACES.map((name) => statSync(`/proc/self/ns/${name}`).ino);
    this.description = {
      platform: 'linux',
      source: 'ebpf',
      boot_id: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
      probe_sha256: handles.sha256,
      programs: Object.keys(handles.programs),
      ns: Object.fromEntries(NAMESPACES.map((name, i) => [name, namespaces[i] as number])),
    };
    this.#counters = counters;
    this.#state = state;
    this.#ring = new RingBuffer(libc, handles.ring, handles.ringBytes);
    this.#reader = new RecordReader(this.#ring, new ExecLines(clock, namespaces), stream, state, counters, clock);
  }

  begin(): void {
    this.#ring.scan((offset) => this.#reader.notice(offset));
    while (this.drain());
  }

  drain(): boolean {
    const ring = this.#ring;
    const taken = ring.take(DRAIN_TURN_RECORDS, (offset, length) => this.#reader.take(offset, length, ring.position));
    if (taken > 0) {
      // In this order: what the ring forgets is by then in the backlog, for a successor too.
      this.#state.commit();
      ring.release(this.#reader.firstNeeded(ring.position));
    }
    return taken === DRAIN_TURN_RECORDS;
  }

  settle(): void {
    // Counted before draining: whatever else these losses belong between is then drained as well.
    const lost = this.#counters.allLost();
    while (this.drain());
    if (this.#ring.pendingBytes > 0) return; // a record is being written; its number may lie before a loss
    this.#reader.settle(lost, Date.now());
    this.#state.commit();
  }

  count(): KernelCount {
    const { events, lost } = this.#counters.totals();
    return { events: events - this.#state.repeated, lost };
  }
}
