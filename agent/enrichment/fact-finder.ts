import type { ExecEvent, ExecFailedEvent } from '../../shared/events/exec.ts';
import type { ContainerFact } from '../containers/container.ts';
import { FACT_NAMES, Facts, type FactName } from '../events/facts.ts';
import type { Item } from '../events/item.ts';
import type { Ancestor, Enrichment, ProcessEvent } from './enrichment.ts';
import { HashClient, type HashClientOptions } from './hashing/hash-client.ts';
import { Hashes, type HashResult } from './hashing/hashes.ts';
import { READY_MS } from './hashing/limits.ts';
import { MAX_ANCESTORS_TEXT } from './limits.ts';

/** Redacts texts that stand beside an event. Both return the text itself where it has no secret. */
export interface Redactor {
  commandLine(text: string): string;
  value(text: string): string;
}

/** Counts of facts since the agent started, across reloads. */
export class FactCounters {
  /** Events that facts were looked for. */
  events = 0;
  /** Counts hashes by their result. */
  readonly hashes = new Map<HashResult, number>();
  /** Events that went on without facts since a defect kept them from being found. */
  failed = 0;
}

export interface FactFinderOptions {
  readonly enrichment: Enrichment;
  readonly counters: FactCounters;
  readonly redact: Redactor;
  /** Reports a defect. Gets no text of the event. */
  readonly onFailure: (error: unknown) => void;
  readonly onHashingFailed: (reason: string) => void;
  /** How the hashing process is run; replaced only in tests. */
  readonly hashing?: Partial<HashClientOptions>;
}

/** Facts that need other processes than the event's own. */
const FROM_TREE: readonly FactName[] = ['parent', 'ancestors'];

/** Facts of an alert that its line has already. */
const IN_ALERTS: ReadonlySet<FactName> = new Set(['ancestors', 'entity_id', 'container']);

/** Finds the facts that any output asks for, once for each event, and nothing where none asks. */
export class FactFinder {
  readonly #options: FactFinderOptions;
  #names: ReadonlySet<FactName> = new Set();
  #bytesPerSecond: number | undefined;
  #hashes: Hashes | undefined;
  /** Places of facts of the event at work in which a secret was redacted, as bits. */
  #redactedBits = 0;

  constructor(options: FactFinderOptions) {
    this.#options = options;
  }

  /** Whether any output asks for a fact. */
  get isNeeded(): boolean {
    return this.#names.size > 0;
  }

  /** Whether the process tree has to take every event. */
  get needsTree(): boolean {
    return FROM_TREE.some((name) => this.#names.has(name));
  }

  /**
   * From the next batch on, finds these facts. Starts a hashing process where hashes are asked for, and ends one that is not needed.
   * @param bytesPerSecond how fast images are read to be hashed
   * @returns a promise that resolves when hashes can be found, or some seconds have passed
   */
  async adopt(names: Iterable<FactName>, bytesPerSecond: number): Promise<void> {
    const asked = new Set(names);
    const had = this.#names.has('hashes') ? this.#bytesPerSecond : undefined;
    this.#names = asked;
    this.#bytesPerSecond = bytesPerSecond;
    const wanted = asked.has('hashes') ? bytesPerSecond : undefined;
    if (wanted === had) return;
    this.#hashes?.close();
    this.#hashes = undefined;
    if (wanted === undefined) return;
    const { enrichment, counters, onHashingFailed, hashing } = this.#options;
    const client = new HashClient({ settings: { bytesPerSecond }, onFailed: onHashingFailed, ...hashing });
    this.#hashes = new Hashes({ client, localFiles: enrichment.localFiles, counts: counters.hashes });
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, READY_MS);
    await Promise.race([client.ready, promise]);
    clearTimeout(timer);
  }

  /**
   * Adds the facts about an event's process to an item. Call it at the event's own time: the tree and the users are as they are now.
   * @param event of the item, before it became an alert
   */
  addTo(item: Item, event: ProcessEvent): Item {
    if (!this.isNeeded) return item;
    this.#options.counters.events++;
    try {
      return item.with(this.#factsOf(event, item.isAlert));
    } catch (error) {
      this.#options.counters.failed++;
      this.#options.onFailure(error);
      return item;
    }
  }

  /** Ends the work on a batch: asks for its hashes. */
  flush(): void {
    this.#hashes?.flush();
  }

  #factsOf(event: ProcessEvent, isAlert: boolean): Facts | undefined {
    this.#redactedBits = 0;
    const texts = FACT_NAMES.map((name, place) =>
      this.#names.has(name) && !(isAlert && IN_ALERTS.has(name)) ? this.#textOf(name, 1 << place, event) : undefined,
    );
    const asksForHash = this.#hashes !== undefined && event.type === 'exec';
    const known = asksForHash ? this.#options.enrichment.digestsJustFound(event)?.sha256 : undefined;
    if (known !== undefined) {
      texts[FACT_NAMES.indexOf('hashes')] = JSON.stringify({ sha256: known });
      this.#hashes!.found();
    }
    if (texts.every((text) => text === undefined) && !asksForHash) return undefined;
    const facts = new Facts({ texts, redacted: this.#redactedBits });
    if (asksForHash && known === undefined) this.#hashes!.ask(event, facts);
    return facts.pending === undefined && texts.every((text) => text === undefined) ? undefined : facts;
  }

  #textOf(name: FactName, bit: number, event: ProcessEvent): string | undefined {
    const { enrichment } = this.#options;
    switch (name) {
      case 'user':
        return jsonOf(this.#userOf(event));
      case 'group':
        return jsonOf(this.#groupOf(event));
      case 'parent':
        return jsonOf(this.#redacted(enrichment.tree.parentOf(event)?.commandLine, bit, 'commandLine'));
      case 'ancestors':
        return this.#ancestorsOf(event, bit);
      case 'entity_id':
        return jsonOf(enrichment.entityIdOf(event));
      case 'container':
        return jsonOf(this.#containerOf(event, bit));
      // Not here: they come from rules or from the hashing process.
      case 'hashes':
        return undefined;
    }
  }

  #userOf({ uid, euid, user_sid: sid }: ProcessEvent): object | undefined {
    const { enrichment } = this.#options;
    return namesOf(sid ?? uid, euid, (user) => enrichment.userNameOf(user));
  }

  #groupOf({ gid, egid }: ProcessEvent): object | undefined {
    const { enrichment } = this.#options;
    return namesOf(gid, egid, (group) => enrichment.groupNameOf(group as number));
  }

  /** People chose its name and image, engines made the rest. */
  #containerOf(event: ProcessEvent, bit: number): ContainerFact | undefined {
    const container = this.#options.enrichment.containerOf(event);
    if (container?.name === undefined && container?.image === undefined) return container;
    const { name, image, ...rest } = container;
    return {
      ...rest,
      ...(name === undefined ? {} : { name: this.#redacted(name, bit, 'value') }),
      ...(image === undefined ? {} : { image: this.#redacted(image, bit, 'value') }),
    };
  }

  /** As many of the nearest as there is room for. */
  #ancestorsOf(event: ProcessEvent, bit: number): string | undefined {
    const texts: string[] = [];
    let length = 0;
    for (const { exe, command_line: line, ...rest } of this.#options.enrichment.ancestorsOf(event)) {
      const ancestor: Ancestor = {
        ...rest,
        ...(exe === undefined ? {} : { exe: this.#redacted(exe, bit, 'value') }),
        ...(line === undefined ? {} : { command_line: this.#redacted(line, bit, 'commandLine') }),
      };
      const text = JSON.stringify(ancestor);
      length += text.length + 1;
      if (length > MAX_ANCESTORS_TEXT) break;
      texts.push(text);
    }
    return texts.length === 0 ? undefined : `[${texts.join(',')}]`;
  }

  #redacted<Text extends string | undefined>(text: Text, bit: number, as: keyof Redactor): Text {
    if (text === undefined) return text;
    const redacted = this.#options.redact[as](text);
    if (redacted !== text) this.#redactedBits |= bit;
    return redacted as Text;
  }

  /** Ends the hashing process. Outputs are closed before. */
  close(): void {
    this.#names = new Set();
    this.#hashes?.close();
    this.#hashes = undefined;
  }
}

/** The name of a number and, where the effective one is another, of that; undefined where neither is known. */
function namesOf(
  real: number | string | undefined,
  effective: number | undefined,
  nameOf: (id: number | string) => string | undefined,
): object | undefined {
  const name = real === undefined ? undefined : nameOf(real);
  const isOther = effective !== undefined && typeof real !== 'string' && effective !== real;
  const other = isOther ? nameOf(effective) : undefined;
  if (name === undefined && other === undefined) return undefined;
  return { ...(name === undefined ? {} : { name }), ...(other === undefined ? {} : { effective: { name: other } }) };
}

function jsonOf(value: object | string | undefined): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}

/** Whether an event has a process that facts can be about. */
export function hasProcess(event: { readonly type: string }): event is ExecEvent | ExecFailedEvent {
  return event.type === 'exec' || event.type === 'exec_failed';
}
