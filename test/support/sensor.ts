import { Clock } from '../../helper/stream/clock.ts';
import { linuxClocks } from '../../helper/linux/forward/clocks.ts';
import { KernelCounters } from '../../helper/linux/source/counters.ts';
import { EbpfSource } from '../../helper/linux/source/ebpf-source.ts';
import { Backlog } from '../../helper/pipe/backlog.ts';
import { HelperState } from '../../helper/stream/state.ts';
import { EventStream } from '../../helper/stream/stream.ts';
import type { ExecEvent } from '../../shared/events/exec.ts';
import type { ExitEvent } from '../../shared/events/exit.ts';
import type { ForkEvent } from '../../shared/events/fork.ts';
import type { GapEvent } from '../../shared/events/gap.ts';
import { parseEvent } from './events.ts';
import { COUNTERS_FD, RING_FD, type FakeKernel } from './fake-kernel.ts';

const KINDS = 5;

// An event whose arguments stop coming is sent as it is after 50 ms, and a busy machine must not decide that: time stands still
// here until a test moves it.
const begun = performance.now();
performance.now = () => begun;

export const FIRST_SEQ = 5000;

/** Thrown where the process is killed. */
export class Killed extends Error {}

/** Counts down to the moment at which the process is killed; never, while negative. */
class Fuse {
  left = -1;
  burn(): void {
    if (this.left < 0) return;
    if (this.left-- === 0) throw new Killed('killed');
  }
}

class KillableStream extends EventStream {
  readonly #fuse: Fuse;
  constructor(fuse: Fuse, ...args: ConstructorParameters<typeof EventStream>) {
    super(...args);
    this.#fuse = fuse;
  }
  override event(...args: Parameters<EventStream['event']>): void {
    this.#fuse.burn();
    super.event(...args);
    this.#fuse.burn();
  }
  override gap(hop: string, count: number, cause: string): void {
    this.#fuse.burn();
    super.gap(hop, count, cause);
    this.#fuse.burn();
  }
}

class KillableState extends HelperState {
  readonly #fuse: Fuse;
  constructor(fuse: Fuse, memory: ArrayBuffer, counters: number) {
    super(memory, counters);
    this.#fuse = fuse;
  }
  override commit(): void {
    this.#fuse?.burn();
    super.commit();
    this.#fuse?.burn();
  }
}

/**
 * The helper from the ring to the backlog over a fake kernel, with one client
 * that reads what is committed. It can be killed at any step and started again
 * on the memory that outlives it.
 */
export class Sensor {
  /** All that the client got. */
  readonly events: (ExecEvent | ForkEvent | ExitEvent | GapEvent)[] = [];
  readonly kernel: FakeKernel;
  readonly memory: ArrayBuffer;
  env: readonly string[];
  readonly #stateBytes: number;
  readonly #fuse = new Fuse();
  #state!: HelperState;
  #backlog!: Backlog;
  #source!: EbpfSource;
  #clientAt = 0;

  /** @param env the names of `--env`; may be set anew before the next start */
  constructor(kernel: FakeKernel, backlogBytes = 1 << 20, env: readonly string[] = []) {
    this.env = env;
    this.kernel = kernel;
    this.#stateBytes = HelperState.bytesFor(kernel.cpus * KINDS);
    this.memory = new ArrayBuffer(this.#stateBytes + backlogBytes);
    this.start();
  }

  /** Starts a helper; if there was one, it is gone with all that it had not committed. */
  start(): void {
    const { kernel } = this;
    this.#fuse.left = -1;
    this.#state = new KillableState(this.#fuse, this.memory, kernel.cpus * KINDS);
    if (!this.#state.restored) this.#state.begin(FIRST_SEQ, { seconds: 0, nanoseconds: 0 });
    this.#backlog = new Backlog(Buffer.from(this.memory, this.#stateBytes), this.#state, () => this.#state.commit());
    const clock = new Clock(linuxClocks(kernel.libc), this.#state.epoch);
    const handles = {
      baseline: { skipped: 0, recovered: 0 },
      ring: RING_FD,
      ringBytes: kernel.ringBytes,
      counters: COUNTERS_FD,
      cpus: kernel.cpus,
      backlog: 0,
      backlogBytes: 0,
      links: [],
      programs: {},
      env: this.env,
      sha256: '',
    };
    const counters = new KernelCounters(kernel.libc, COUNTERS_FD, kernel.cpus);
    this.#source = new EbpfSource(
      kernel.libc,
      handles,
      counters,
      this.#state,
      new KillableStream(this.#fuse, this.#backlog, this.#state, clock),
      clock,
      () => undefined,
    );
    this.#source.begin();
    this.#read();
  }

  drain(): void {
    while (this.turn());
  }

  /** One turn. @returns whether there is more */
  turn(): boolean {
    const more = this.#source.drain();
    this.#read();
    return more;
  }

  /** As the source says after a turn. */
  nextLookMs(now: number, events = 1): number {
    return this.#source.nextLookMs(now, events);
  }

  /** Nothing has come for so long that the helper waits to be woken. */
  sleep(): void {
    this.#source.wake(() => undefined);
  }

  /** From now on another client is so many bytes behind, and no one less. */
  follow(leastBehind: () => number): void {
    this.#backlog.follow(leastBehind);
  }

  settle(): void {
    this.#source.settle();
    this.#read();
  }

  /** Does it, and is killed after so many steps of it; if it lives, goes on. */
  killedDuring(work: 'drain' | 'settle', steps: number): void {
    this.#fuse.left = steps;
    try {
      this[work]();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      this.start();
      this.#read();
    } finally {
      this.#fuse.left = -1;
    }
  }

  get counts(): ReturnType<EbpfSource['count']> {
    return this.#source.count();
  }

  /** The records that came, in short: an event as its pid, a gap as its first and last number. */
  summary(): string {
    return this.events
      .map((event) =>
        event.type === 'gap'
          ? `${event.first}-${event.last}:${event.cause}`
          : `${event.pid}${event.type === 'exec' && event.argv_truncated ? '…' : ''}${event.type === 'exec' && event.env_truncated ? '~' : ''}`,
      )
      .join(' ');
  }

  #read(): void {
    const backlog = this.#backlog;
    if (this.#clientAt < backlog.tail)
      throw new Error('the client was overtaken: make the backlog of this test larger');
    const parts: Buffer[] = [];
    while (this.#clientAt < backlog.head) {
      const piece = backlog.peek(this.#clientAt, backlog.capacity);
      parts.push(Buffer.from(piece));
      this.#clientAt += piece.length;
    }
    for (const line of Buffer.concat(parts).toString().split('\n').slice(0, -1))
      this.events.push(parseEvent(line) as ExecEvent | ForkEvent | ExitEvent | GapEvent);
  }
}
