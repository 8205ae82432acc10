import type { ExecEvent, ExecFailedEvent } from '../../../shared/events/exec.ts';
import type { Facts, Hold } from '../../events/facts.ts';
import { imageHere } from '../image-here.ts';
import type { LocalFiles } from '../local-files.ts';
import type { HashClient, NotAsked } from './hash-client.ts';
import type { FileCause } from './image-hasher.ts';
import { CLOCK_SLACK_MS, HASH_WAIT_MS } from './limits.ts';

/**
 * Results of the hashes that outputs asked for, one for each event. `elsewhere`: the image is in another mount namespace or root folder, in
 * memory, deleted, or has a path that is not UTF-8. `remote`: it is on a file system that can hang. `changed`: the file is not the one that was executed. `late`: the hash
 * came too late for its event. `skipped`: too many waited, or there is no hashing process. `stuck`: the process was killed or failed.
 */
export type HashResult = 'found' | 'late' | 'elsewhere' | 'remote' | FileCause | NotAsked;

export const HASH_RESULTS: readonly HashResult[] = ['found', 'late', 'elsewhere', 'remote', 'gone', 'unreadable', 'not_a_file', 'too_large', 'changed', 'failed', 'skipped', 'stuck']; // prettier-ignore

/** An event that waits for a hash. */
interface Waiting {
  readonly facts: Facts;
  readonly timeMs: number;
}

/** The events of one batch that wait for hashes, together and for a bounded time. */
class Wave implements Hold {
  readonly over: Promise<void>;
  readonly #end: () => void;
  readonly #timer: NodeJS.Timeout;
  #isOver = false;
  /** By path. */
  readonly waiting = new Map<string, Waiting[]>();

  constructor(waitMs: number, onLate: (events: number) => void) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.over = promise;
    this.#end = resolve;
    this.#timer = setTimeout(() => {
      onLate([...this.waiting.values()].reduce((sum, { length }) => sum + length, 0));
      this.end();
    }, waitMs);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.waiting.clear();
    this.#end();
  }
}

export interface HashesOptions {
  readonly client: Pick<HashClient, 'ask' | 'close'>;
  readonly localFiles: Pick<LocalFiles, 'has'>;
  readonly counts: Map<HashResult, number>;
  readonly waitMs?: number;
}

/** Gets the SHA-256 of events' images into their facts. Never waits, and touches no file itself. */
export class Hashes {
  readonly #options: HashesOptions;
  readonly #waves = new Set<Wave>();
  /** Of the batch that is at work now. */
  #wave: Wave | undefined;

  constructor(options: HashesOptions) {
    this.#options = options;
  }

  /** Asks for the hash of the event's image. It comes into `facts` later, or never. `flush` has to follow. */
  ask(event: ExecEvent | ExecFailedEvent, facts: Facts): void {
    const image = imageHere(event as ExecEvent);
    if (image === undefined) return this.#count('elsewhere');
    if (!this.#options.localFiles.has(image)) return this.#count('remote');
    const wave = (this.#wave ??= this.#newWave());
    const waiting = { facts, timeMs: Date.parse(event.time) };
    facts.holdFor(wave);
    const others = wave.waiting.get(image);
    if (others === undefined) wave.waiting.set(image, [waiting]);
    else others.push(waiting);
  }

  /** Counts a hash that was known already. */
  found(): void {
    this.#count('found');
  }

  /** Sends the questions of a batch. */
  flush(): void {
    const wave = this.#wave;
    if (wave === undefined) return;
    this.#wave = undefined;
    for (const path of wave.waiting.keys())
      this.#options.client.ask(path, (answer) => {
        // Once it is over, its events have gone without.
        const waiting = wave.waiting.get(path) ?? [];
        wave.waiting.delete(path);
        for (const { facts, timeMs } of waiting)
          if ('cause' in answer) this.#count(answer.cause);
          else if (answer.changedMs > timeMs + CLOCK_SLACK_MS) this.#count('changed');
          else {
            facts.setHashes(JSON.stringify({ sha256: answer.sha256 }));
            this.#count('found');
          }
        if (wave.waiting.size > 0 || wave.isOver) return;
        wave.end();
        this.#waves.delete(wave);
      });
  }

  #newWave(): Wave {
    const wave: Wave = new Wave(this.#options.waitMs ?? HASH_WAIT_MS, (events) => {
      this.#count('late', events);
      this.#waves.delete(wave);
    });
    this.#waves.add(wave);
    return wave;
  }

  #count(result: HashResult, events = 1): void {
    const { counts } = this.#options;
    counts.set(result, (counts.get(result) ?? 0) + events);
  }

  /** Nothing waits any more. */
  close(): void {
    this.flush();
    this.#options.client.close();
    for (const wave of this.#waves) wave.end();
    this.#waves.clear();
  }
}
