import { createHash, type Hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, statSync, type BigIntStats } from 'node:fs';
import { systemCode } from '../../errors.ts';
import { Budget } from '../budget.ts';
import { Generations } from '../generations.ts';
import { MAX_REMEMBERED, PIECE_BYTES, SAVED_SECONDS, SMALL_FILE_BYTES } from './limits.ts';

/** Why a file has no hash. */
export type FileCause = 'gone' | 'unreadable' | 'not_a_file' | 'too_large' | 'changed' | 'failed';

/** The hash of a file, and when its contents or attributes last changed, in milliseconds since 1970; or why it has none. */
export type HashAnswer = { readonly sha256: string; readonly changedMs: number } | { readonly cause: FileCause };

/** A file that is to be read, and who asked for it. */
interface Job {
  readonly path: string;
  readonly id: string;
  readonly lane: Lane;
  readonly askers: number[];
}

/** A file that is being read. */
interface Reading {
  readonly job: Job;
  readonly descriptor: number;
  readonly hash: Hash;
}

/** Files that are read one after the other. Small files have a lane of their own, in which no large one holds them up. */
class Lane {
  readonly budget: Budget;
  readonly jobs: Job[] = [];
  reading: Reading | undefined;

  constructor(bytesPerSecond: number, now?: () => number) {
    this.budget = new Budget(bytesPerSecond, SAVED_SECONDS * bytesPerSecond, now);
  }

  get isReady(): boolean {
    return this.jobs.length > 0 && this.budget.isLeft;
  }
}

export interface ImageHasherOptions {
  /** Bytes that are read a second, on average: half of them for small files. */
  readonly bytesPerSecond: number;
  /** A larger file is not hashed. */
  readonly maxFileBytes: number;
  readonly answer: (asker: number, answer: HashAnswer) => void;
  /** Milliseconds on a clock that never steps. */
  readonly now?: () => number;
}

/** How long it waits when the bytes of a second are used up, in milliseconds. */
const PAUSE_MS = 20;

/**
 * Hashes files in pieces and within a budget of bytes, and remembers each by device, inode, size and times. It blocks for as long as a
 * disk takes, so it runs in a process of its own.
 */
export class ImageHasher {
  readonly #options: ImageHasherOptions;
  readonly #small: Lane;
  readonly #large: Lane;
  readonly #known = new Generations<string, HashAnswer>({ entries: MAX_REMEMBERED });
  /** By identity. */
  readonly #jobs = new Map<string, Job>();
  readonly #piece = Buffer.allocUnsafe(PIECE_BYTES);
  #isScheduled = false;
  #wasSmall = false;

  constructor(options: ImageHasherOptions) {
    this.#options = options;
    const { bytesPerSecond, now } = options;
    this.#small = new Lane(bytesPerSecond / 2, now);
    this.#large = new Lane(bytesPerSecond / 2, now);
  }

  /** Files that are not answered yet. */
  get pending(): number {
    return this.#jobs.size;
  }

  /** Asks for the hash of a file; `answer` gets it, now or later, exactly once. */
  ask(asker: number, path: string): void {
    let stats: BigIntStats;
    try {
      stats = statSync(path, { bigint: true });
    } catch (error) {
      return this.#options.answer(asker, { cause: causeOf(error) });
    }
    const id = idOf(stats);
    const known = this.#known.get(id) ?? this.#refusal(stats);
    if (known !== undefined) return this.#options.answer(asker, known);
    const job = this.#jobs.get(id);
    if (job !== undefined) {
      job.askers.push(asker);
      return;
    }
    const lane = stats.size <= SMALL_FILE_BYTES ? this.#small : this.#large;
    const asked = { path, id, lane, askers: [asker] };
    this.#jobs.set(id, asked);
    lane.jobs.push(asked);
    this.#schedule();
  }

  /** Forgets what is not answered. */
  close(): void {
    this.#jobs.clear();
    for (const lane of [this.#small, this.#large]) {
      lane.jobs.length = 0;
      if (lane.reading !== undefined) closeSync(lane.reading.descriptor);
      lane.reading = undefined;
    }
  }

  #refusal(stats: BigIntStats): HashAnswer | undefined {
    if (!stats.isFile()) return { cause: 'not_a_file' };
    return stats.size > BigInt(this.#options.maxFileBytes) ? { cause: 'too_large' } : undefined;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#jobs.size === 0) return;
    this.#isScheduled = true;
    const work = (): void => {
      this.#isScheduled = false;
      this.#work();
      this.#schedule();
    };
    if (this.#small.isReady || this.#large.isReady) setImmediate(work);
    else setTimeout(work, PAUSE_MS);
  }

  /** Takes turns between the lanes. */
  #work(): void {
    const { isReady: isSmallReady } = this.#small;
    const { isReady: isLargeReady } = this.#large;
    if (!isSmallReady && !isLargeReady) return;
    this.#wasSmall = isSmallReady && !(isLargeReady && this.#wasSmall);
    this.#advance(this.#wasSmall ? this.#small : this.#large);
  }

  /** Opens the next file, or reads one piece of the one that is open. */
  #advance(lane: Lane): void {
    const job = lane.jobs[0]!;
    try {
      lane.reading ??= open(job);
      if (lane.reading === undefined) return this.#finish(job, { cause: 'changed' });
      const { descriptor, hash } = lane.reading;
      const bytes = readSync(descriptor, this.#piece);
      lane.budget.spend(bytes);
      if (bytes > 0) {
        hash.update(this.#piece.subarray(0, bytes));
        return;
      }
      const stats = fstatSync(descriptor, { bigint: true });
      // Written to while it was read.
      if (idOf(stats) !== job.id) return this.#finish(job, { cause: 'changed' });
      this.#finish(job, { sha256: hash.digest('hex'), changedMs: Number(stats.ctimeMs) });
    } catch (error) {
      this.#finish(job, { cause: causeOf(error) });
    }
  }

  #finish(job: Job, answer: HashAnswer): void {
    const { lane, id, askers } = job;
    if (lane.reading !== undefined) closeSync(lane.reading.descriptor);
    lane.reading = undefined;
    lane.jobs.shift();
    this.#jobs.delete(id);
    // A state that can go away without another change time is not remembered.
    if ('sha256' in answer || answer.cause === 'unreadable') this.#known.set(id, answer);
    for (const asker of askers) this.#options.answer(asker, answer);
  }
}

/** @returns undefined when the path leads to another file now. @throws the system's error */
function open(job: Job): Reading | undefined {
  const descriptor = openSync(job.path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0));
  if (idOf(fstatSync(descriptor, { bigint: true })) === job.id) return { job, descriptor, hash: createHash('sha256') };
  closeSync(descriptor);
  return undefined;
}

function idOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

function causeOf(error: unknown): FileCause {
  switch (systemCode(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'gone';
    case 'EACCES':
    case 'EPERM':
      return 'unreadable';
    default:
      return 'failed';
  }
}
