import { isDeepStrictEqual } from 'node:util';
import { Generations } from '../enrichment/generations.ts';
import { reasonOf } from '../errors.ts';
import { alertOf, itemOf, type Item } from '../events/item.ts';
import type { Stage } from '../events/stage.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { RedactionConfig } from './config.ts';
import { Finder, Patterns } from './finder.ts';
import { REDACTED } from './in-text.ts';
import { MAX_STEPS } from './limits.ts';
import { redactEvent, withholdTexts } from './redact-event.ts';
import { Triggers } from './triggers.ts';

/** Command lines beside events whose redaction is remembered, and the memory that they take, in bytes: many children have one parent. As many paths. */
const REMEMBERED = { entries: 8192, bytes: 8 * 1024 * 1024 };

/** Texts and what they become. */
const newTexts = () =>
  new Generations<string, { readonly before: string; readonly after: string }>(
    REMEMBERED,
    ({ before, after }) => 2 * (before.length + after.length),
  );

interface InForce {
  readonly config: RedactionConfig;
  /** Absent where redaction is switched off. */
  readonly work: { readonly patterns: Patterns; readonly triggers: Triggers } | undefined;
}

/**
 * The last stage before the log: what comes later, outputs and spools, never sees the secrets. Filters and rules come before it, and see whole command lines.
 * It changes with the configuration, between two batches.
 */
export class Redaction {
  readonly #telemetry: Telemetry;
  readonly #maxSteps: number;
  #inForce: InForce | undefined;
  /** By the search and the text. */
  readonly #texts = { inCommandLine: newTexts(), inValue: newTexts() };
  /** Events in which something was redacted. */
  #events = 0;
  /** By pattern: in how many events it redacted something. Names beyond those of one configuration come with reloads alone, by the administrator's hand. */
  readonly #byPattern = new Map<string, number>();

  /** @param maxSteps fewer in tests alone */
  constructor(telemetry: Telemetry, maxSteps = MAX_STEPS) {
    this.#telemetry = telemetry;
    this.#maxSteps = maxSteps;
  }

  /** From the next batch on, this is in force. */
  adopt(config: RedactionConfig): void {
    if (isDeepStrictEqual(this.#inForce?.config, config)) return;
    for (const texts of Object.values(this.#texts)) texts.clear();
    if (!config.enabled) {
      this.#inForce = { config, work: undefined };
      return;
    }
    const patterns = new Patterns(config);
    this.#inForce = { config, work: { patterns, triggers: new Triggers(patterns) } };
  }

  readonly stage: Stage = (batch) => {
    const work = this.#inForce?.work;
    if (work === undefined) return batch;
    const { patterns, triggers } = work;
    let out: Item[] | undefined;
    for (let i = 0; i < batch.length; i++) {
      const item = batch[i]!;
      if (!triggers.inLine(item.memory, item.start, item.end) || item.gap !== undefined) continue;
      const redacted = this.#redact(item, patterns);
      if (redacted !== item) (out ??= [...batch])[i] = redacted;
    }
    return out ?? batch;
  };

  /** A command line that stands beside an event, such as its parent's. */
  commandLine(text: string): string {
    return this.#beside('inCommandLine', text);
  }

  /** A path that stands beside an event. */
  value(text: string): string {
    return this.#beside('inValue', text);
  }

  #beside(search: 'inCommandLine' | 'inValue', before: string): string {
    const patterns = this.#inForce?.work?.patterns;
    if (patterns === undefined) return before;
    const known = this.#texts[search].get(before);
    if (known !== undefined) return known.after;
    let after = REDACTED;
    try {
      after = new Finder(patterns, this.#maxSteps)[search](before);
    } catch (error) {
      this.#telemetry.raiseRepeating('RedactionFailed', reasonOf(error), { reason: reasonOf(error) });
    }
    this.#texts[search].set(before, { before, after });
    return after;
  }

  /** Nothing comes any more: says what was redacted. */
  close(): void {
    if (this.#inForce?.work === undefined && this.#events === 0) return;
    const patterns = [...this.#byPattern].toSorted((a, b) => b[1] - a[1]);
    this.#telemetry.raise('EventsRedacted', { events: this.#events, patterns: Object.fromEntries(patterns) });
  }

  #redact(item: Item, patterns: Patterns): Item {
    try {
      const redacted = redactEvent(item.event, patterns, this.#maxSteps);
      if (redacted === undefined) return item;
      this.#events++;
      for (const name of redacted.patterns) this.#byPattern.set(name, (this.#byPattern.get(name) ?? 0) + 1);
      return (item.isAlert ? alertOf(redacted.event, item) : itemOf(redacted.event)).with(item.facts);
    } catch (error) {
      this.#events++;
      this.#telemetry.raiseRepeating('RedactionFailed', reasonOf(error), { reason: reasonOf(error) });
      const event = withholdTexts(item.event);
      return (item.isAlert ? alertOf(event, item) : itemOf(event)).with(item.facts);
    }
  }
}
