import { readSync, writeSync } from 'node:fs';
import type { EventSource, KernelCount, SourceDescription } from '../../stream/event-source.ts';
import type { ReadableOnce } from '../../unix/watch.ts';
import { CHILD_BURST_BYTES, CHILD_BURST_TURNS, CHILD_READ_BYTES, CHILD_READ_TURNS } from '../../limits.ts';
import { say } from '../../say.ts';
import type { HelperState } from '../../stream/state.ts';
import type { EventStream } from '../../stream/stream.ts';
import type { Canary } from './canary.ts';
import { Complaints } from './complaints.ts';
import type { Decoder, Findings, SeenProcess } from './decoder.ts';
import { processLine } from './process-line.ts';

/** The ends of the pipes to the child and to the watching process. Non-blocking; they belong to the source. */
interface ChildPipes {
  /** The child's standard output and standard error, to read. */
  readonly output: number;
  readonly errors: number;
  /** For writing a byte that requests a restart of the child. */
  readonly again: number;
}

interface Parts {
  readonly description: Omit<SourceDescription, 'limits'>;
  /** Known limits of the source from the beginning. */
  readonly limits: readonly string[];
  readonly decoder: (findings: Findings) => Decoder;
  readonly pipes: ChildPipes;
  /** The decoder of the child's standard output. */
  readonly whenReadable: ReadableOnce;
  readonly canary: Canary;
  readonly stream: EventStream;
  readonly state: HelperState;
}

/** A source that is a program of the system: turns its output into events, without privilege. */
export class ChildSource implements EventSource, Findings {
  readonly #parts: Parts;
  readonly #decoder: Decoder;
  readonly #complaints: Complaints;
  readonly #buffer = Buffer.allocUnsafeSlow(CHILD_READ_BYTES);
  /** Events without a number from the source: certain losses, and ends of children. */
  #uncounted = 0;
  /** Programs of our own, which the source counted and clients do not get. */
  #ours = 0;
  #unreadable = 0;
  #wasBlind = false;
  /** Checks of an empty pipe that are left before the next tick. */
  #patience = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#decoder = parts.decoder(this);
    this.#complaints = new Complaints(
      (line) => this.#decoder.complaint(line),
      (text) => say(`${parts.description.source} says: ${text}`),
    );
  }

  get description(): SourceDescription {
    const { canary, description, limits } = this.#parts;
    const all = [
      ...limits,
      ...(this.#decoder.limit === undefined ? [] : [this.#decoder.limit]),
      ...(canary.blind ? ['it does not see what the helper runs'] : []),
    ];
    return { ...description, ...(all.length === 0 ? {} : { limits: all }) };
  }

  begin(): void {
    this.drain();
  }

  drain(): boolean {
    const { pipes, state } = this.#parts;
    const { lastSeq } = state;
    // Complaints first: they give the reason for missing events.
    const complained = this.#read(pipes.errors);
    if (complained > 0) this.#complaints.push(this.#buffer.subarray(0, complained), performance.now());
    let bytes = 1;
    for (let turn = 0; turn < CHILD_READ_TURNS && bytes > 0; turn++) {
      bytes = this.#read(pipes.output);
      this.#decoder.push(this.#buffer.subarray(0, bytes));
      // A pipe holds little, and a child that fills it is about to continue: do not let it wait for the next tick.
      if (bytes >= CHILD_BURST_BYTES) this.#patience = CHILD_BURST_TURNS;
    }
    if (bytes === 0 && this.#patience > 0) this.#patience--;
    if (state.lastSeq !== lastSeq) state.commit();
    return bytes > 0 || this.#patience > 0;
  }

  wake(callback: () => void): void {
    this.#parts.whenReadable(callback);
  }

  settle(): void {
    const { canary, stream, state, pipes } = this.#parts;
    this.drain();
    const missed = canary.tick(performance.now());
    if (missed > 0) {
      this.#uncounted += missed;
      stream.gap('probe', missed, 'source_blind', true);
      state.commit();
      if (canary.givesUp()) askAgain(pipes.again);
    }
    if (canary.blind !== this.#wasBlind) {
      this.#wasBlind = canary.blind;
      say(
        canary.blind
          ? `${this.#parts.description.source} does not see what the helper runs: it is blind`
          : `${this.#parts.description.source} sees again`,
      );
    }
    if (this.#decoder.unreadable > this.#unreadable) {
      say(
        `${this.#decoder.unreadable - this.#unreadable} records of ${this.#parts.description.source} were unreadable`,
      );
      this.#unreadable = this.#decoder.unreadable;
    }
  }

  count(): KernelCount {
    const { counted, missed } = this.#decoder;
    return { events: counted - this.#ours + this.#uncounted, lost: missed + this.#uncounted };
  }

  process(seen: SeenProcess): void {
    if (this.#parts.canary.recognises(seen)) this.#ours++;
    else this.#parts.stream.event(processLine(seen));
  }

  missing(count: number, cause: string): void {
    this.#parts.stream.gap('ring', count, cause);
  }

  restarted(): void {
    this.#uncounted++;
    this.#parts.stream.gap('probe', 1, 'source_ended', true);
  }

  /** @returns how many bytes there were; none at the end too, which the watching process reports */
  #read(fd: number): number {
    try {
      return readSync(fd, this.#buffer);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
      throw error;
    }
  }
}

function askAgain(fd: number): void {
  try {
    writeSync(fd, '.');
  } catch {
    // A request is already pending.
  }
}
