import type { Container, ContainerName } from '../../containers/container.ts';
import { Generations } from '../generations.ts';
import {
  ENGINE_PATIENCE_MS,
  MAX_ENGINE_QUESTIONS,
  MAX_NAMED_CONTAINERS,
  MAX_WAITING_CONTAINERS,
  NAME_AGAIN_MS,
  NAME_KNOWN_MS,
} from '../limits.ts';
import type { ContainersConfig } from './config.ts';
import { askEngine } from './engine-api.ts';

/**
 * The fate of names. `found`, `unknown` and `failed` count answers of engines; `late` counts events that went on without a name
 * because it was not known yet, `skipped` those for which nobody was asked because too many were waiting.
 */
export const NAME_RESULTS = ['found', 'unknown', 'failed', 'late', 'skipped'] as const;

export type NameResult = (typeof NAME_RESULTS)[number];

interface Known {
  /** Absent where no engine knew it, or none could be asked. */
  readonly name: ContainerName | undefined;
  readonly at: number;
}

export interface ContainerNamesOptions {
  readonly counts: Map<NameResult, number>;
  /** Milliseconds on a clock that never steps. */
  readonly now?: () => number;
  readonly ask?: typeof askEngine;
}

const HEX_ID = /^[0-9a-f]{64}$/;

/**
 * Names of containers, from their engines. Nothing waits for them: what is not known yet is asked for after the batch of events, and
 * is there for later ones. Bounded in questions at a time, in those that wait, in what is remembered, and in the time and size of answers.
 */
export class ContainerNames {
  readonly #counts: Map<NameResult, number>;
  readonly #now: () => number;
  readonly #ask: typeof askEngine;
  #engines: ContainersConfig['names'] = [];
  #known = new Generations<string, Known>({ entries: MAX_NAMED_CONTAINERS });
  /** Ids that are asked for, or wait to be. */
  readonly #open = new Set<string>();
  readonly #waiting: Container[] = [];
  #asking = 0;
  #ending = new AbortController();

  /** @param ask replaced only in tests */
  constructor({ counts, now = () => performance.now(), ask = askEngine }: ContainerNamesOptions) {
    this.#counts = counts;
    this.#now = now;
    this.#ask = ask;
  }

  /** Asks these engines from now on. Keeps the known names if the engines are the same. */
  adopt({ names }: ContainersConfig): void {
    if (JSON.stringify(names) === JSON.stringify(this.#engines)) return;
    this.close();
    this.#engines = names;
    this.#known = new Generations({ entries: MAX_NAMED_CONTAINERS });
  }

  /** The container's name; undefined where it is not known, or not yet. */
  of(container: Container): ContainerName | undefined {
    const { id } = container;
    if (this.#engines.length === 0 || !HEX_ID.test(id) || this.#enginesOf(container).length === 0) return undefined;
    const known = this.#known.get(id);
    // A container can be renamed, and one that is not known yet can be on its way into its engine's list.
    const isFresh =
      known !== undefined && this.#now() - known.at < (known.name === undefined ? NAME_AGAIN_MS : NAME_KNOWN_MS);
    if (!isFresh) this.#askFor(container);
    if (known === undefined) this.#count(this.#open.has(id) ? 'late' : 'skipped');
    return known?.name;
  }

  /** Ends all questions. Keeps the known names. */
  close(): void {
    this.#ending.abort();
    this.#ending = new AbortController();
    this.#waiting.length = 0;
    this.#open.clear();
  }

  /** Numbers of what is held, for tests of the bounds. */
  get held(): { readonly known: number; readonly open: number; readonly asking: number } {
    return { known: this.#known.size, open: this.#open.size, asking: this.#asking };
  }

  #enginesOf({ runtime }: Container): ContainersConfig['names'] {
    // An id that stands alone in its group can be of either.
    return runtime === undefined ? this.#engines : this.#engines.filter((each) => each.runtime === runtime);
  }

  #askFor(container: Container): void {
    if (this.#open.has(container.id) || this.#open.size >= MAX_WAITING_CONTAINERS) return;
    this.#open.add(container.id);
    this.#waiting.push(container);
    // After the batch at work.
    if (this.#waiting.length === 1) setImmediate(() => this.#next()).unref();
  }

  #next(): void {
    while (this.#asking < MAX_ENGINE_QUESTIONS && this.#waiting.length > 0) void this.#find(this.#waiting.shift()!);
  }

  async #find(container: Container): Promise<void> {
    const { signal } = this.#ending;
    const { id } = container;
    this.#asking++;
    const { name, result } = await this.#askAll(container, signal);
    this.#asking--;
    if (!signal.aborted) {
      this.#open.delete(id);
      this.#count(result);
      // While an engine cannot be asked, what it said before stays.
      const kept = name ?? (result === 'failed' ? this.#known.get(id)?.name : undefined);
      this.#known.set(id, { name: kept, at: this.#now() });
    }
    this.#next();
  }

  /** The engines that it can be of, one after the other. */
  async #askAll(
    container: Container,
    ended: AbortSignal,
  ): Promise<{ name?: ContainerName; result: 'found' | 'unknown' | 'failed' }> {
    let result: 'unknown' | 'failed' = 'unknown';
    for (const { socket } of this.#enginesOf(container)) {
      const timer = new AbortController();
      const timeout = setTimeout(() => timer.abort(), ENGINE_PATIENCE_MS).unref();
      try {
        const name = await this.#ask(socket, container.id, AbortSignal.any([ended, timer.signal]));
        if (name !== undefined) return { name, result: 'found' };
      } catch {
        result = 'failed';
      } finally {
        clearTimeout(timeout);
      }
    }
    return { result };
  }

  #count(result: NameResult): void {
    this.#counts.set(result, (this.#counts.get(result) ?? 0) + 1);
  }
}
