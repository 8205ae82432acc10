import type { ExecEvent } from '../../shared/events/exec.ts';
import type { ExitEvent } from '../../shared/events/exit.ts';
import type { ForkEvent } from '../../shared/events/fork.ts';
import { Generations } from '../enrichment/generations.ts';
import type { Enrichment } from '../enrichment/enrichment.ts';
import { hasProcess, type FactFinder } from '../enrichment/fact-finder.ts';
import { alertOf, type Item, type StreamEvent } from '../events/item.ts';
import { Detector, type MatchedRule } from '../rules/detect.ts';
import { createMapper, fieldsReadBy, lookupsFor } from '../rules/fields/mapper.ts';
import { incompleteFields } from '../rules/fields/incomplete.ts';
import type { Lookups } from '../rules/fields/lookups.ts';
import { Filters, type Filter } from '../rules/filter.ts';
import { OverBudgetError, type SigmaEvent } from '../rules/engine.ts';
import type { RuleSet } from '../rules/load.ts';
import type { Suppression, Suppressor } from '../rules/suppress.ts';
import type { Platform } from '../values/platform.ts';
import type { DetectionCounters } from './counters.ts';
import { MAX_DROPPED_PROCESSES } from './limits.ts';
import { keyOf } from './suppression.ts';

export interface JudgeOptions {
  readonly filters: readonly Filter[];
  /** Absent without rules. */
  readonly rules?: { readonly set: RuleSet; readonly suppressions: ReadonlyMap<string, Suppression> };
  readonly platform: Platform;
  readonly enrichment: Enrichment;
  /** Finds what outputs ask for, of events that filters keep. Left out: they ask for nothing. */
  readonly facts?: Pick<FactFinder, 'addTo' | 'needsTree' | 'flush'>;
  readonly counters: DetectionCounters;
  readonly suppressor: Suppressor;
  /** Reports a defect while judging an event, which then passes unchanged. Gets no text of the event. */
  readonly onFailure: (error: unknown) => void;
  /** Reports an event that would take too long to judge. It passes unchanged. */
  readonly onOverBudget: (event: ExecEvent) => void;
  /** Step limit of filters, and again of rules, for one event; lowered only in tests. */
  readonly maxSteps?: number;
}

const NOT_DROPPED = -1;

const NO_FACTS: NonNullable<JudgeOptions['facts']> = {
  addTo: (item) => item,
  needsTree: false,
  flush: () => undefined,
};

type Map = (event: ExecEvent) => SigmaEvent;

/**
 * Filters, then rules, of one configuration. Immutable: another configuration gets another judge, so that no event meets a mix of two.
 *
 * Judges programs that began to run (`exec`). If a filter drops a program, the forks and the end of its process are dropped too.
 * All other events, gaps in particular, pass unchanged.
 */
export class Judge {
  readonly #options: JudgeOptions;
  readonly #facts: NonNullable<JudgeOptions['facts']>;
  readonly #filters: Filters | undefined;
  readonly #mapForFilters: Map;
  readonly #detector: Detector | undefined;
  readonly #mapForRules: Map;
  /** By pid, the start time of processes whose program was dropped; NOT_DROPPED after an exec that was kept. */
  readonly #dropped = new Generations<number, number>({ entries: MAX_DROPPED_PROCESSES });
  /** Whether a filter or rule needs processes other than the event's own. */
  readonly needsTree: boolean;

  constructor(options: JudgeOptions) {
    const { filters, rules, maxSteps } = options;
    const limits = maxSteps === undefined ? {} : { steps: maxSteps };
    this.#options = options;
    this.#facts = options.facts ?? NO_FACTS;
    this.#filters = filters.length === 0 ? undefined : new Filters(filters, limits);
    this.#detector = rules === undefined ? undefined : new Detector(rules.set, limits);
    const groups = [...(rules?.suppressions.values() ?? [])].flatMap(({ per }) => per);
    const ofFilters = this.#mapperFor(this.#filters, []);
    const ofRules = this.#mapperFor(this.#detector, groups);
    this.#mapForFilters = ofFilters.map;
    this.#mapForRules = ofRules.map;
    this.needsTree = this.#detector !== undefined || ofFilters.looksUp;
  }

  #mapperFor(
    reader: { fields: ReadonlySet<string>; readsEverything: boolean } | undefined,
    more: readonly string[],
  ): { map: Map; looksUp: boolean } {
    const { platform, enrichment } = this.#options;
    const fields = reader === undefined ? new Set<string>() : fieldsReadBy(reader);
    for (const field of more) fields.add(field);
    const needed = lookupsFor(platform, fields);
    return { map: createMapper({ platform, fields, lookups: enrichment.lookups(needed) }), looksUp: needsTree(needed) };
  }

  /** Returns the items of a batch to pass on, with alerts in place of the events that rules matched. */
  judge(batch: readonly Item[]): readonly Item[] {
    let out: Item[] | undefined;
    for (const [i, item] of batch.entries()) {
      const judged = this.#judgeItem(item);
      if (judged !== item) out ??= batch.slice(0, i);
      if (judged !== undefined) out?.push(judged);
    }
    this.#facts.flush();
    return out ?? batch;
  }

  /** @returns the item itself, an alert in its place, or undefined where a filter drops it */
  #judgeItem(item: Item): Item | undefined {
    if (item.gap !== undefined) return item;
    if (this.needsTree || this.#facts.needsTree) this.#options.enrichment.tree.take(item.event);
    if (item.event.type === 'exit') return this.#judgeExit(item, item.event as ExitEvent);
    if (item.event.type === 'fork') return this.#judgeFork(item, item.event as ForkEvent);
    if (item.event.type !== 'exec') return hasProcess(item.event) ? this.#facts.addTo(item, item.event) : item;
    const event = item.event as ExecEvent;
    try {
      return this.#judgeExec(item, event);
    } catch (error) {
      const { counters, onFailure, onOverBudget } = this.#options;
      if (error instanceof OverBudgetError) {
        counters.unjudged++;
        onOverBudget(event);
      } else {
        counters.failed++;
        onFailure(error);
      }
      return this.#facts.addTo(item, event);
    }
  }

  /** A process's exit is dropped exactly when its last exec was; without one, when its fork was. */
  #judgeExit(item: Item, { pid, start_time }: ExitEvent): Item | undefined {
    if (this.#dropped.get(pid) !== start_time) return item;
    this.#options.counters.dropped++;
    return undefined;
  }

  /** A new process runs what its parent runs, and is dropped exactly when that was. Its own exec decides anew. */
  #judgeFork(item: Item, { pid, start_time, parent }: ForkEvent): Item | undefined {
    if (this.#dropped.get(parent.pid) !== parent.start_time) return item;
    this.#dropped.set(pid, start_time);
    this.#options.counters.dropped++;
    return undefined;
  }

  #judgeExec(item: Item, event: ExecEvent): Item | undefined {
    const { counters, enrichment } = this.#options;
    const facts = this.#facts;
    counters.judged++;
    const incomplete = incompleteFields(event);
    if (this.#filters !== undefined && this.#isDropped(this.#filters, event, incomplete)) return undefined;
    if (this.#detector === undefined) return facts.addTo(item, event);
    const sigma = this.#mapForRules(event);
    const time = timeOf(event);
    const matched = this.#detector.observe(sigma, time, incomplete);
    const rules = matched.length === 0 ? matched : this.#reported(matched, sigma, time);
    if (rules.length === 0) return facts.addTo(item, event);
    counters.alerts++;
    const isCut = incomplete?.has('Image') === true || incomplete?.has('ParentImage') === true;
    const alert: StreamEvent = {
      ...event,
      ...enrichment.contextOf(event),
      ...(isCut ? { image_truncated: true } : {}),
      rules,
    };
    return facts.addTo(alertOf(alert, item), event);
  }

  #isDropped(filters: Filters, event: ExecEvent, incomplete: ReadonlySet<string> | undefined): boolean {
    const { counters } = this.#options;
    const decision = filters.decide(this.#mapForFilters(event), incomplete);
    if (decision !== undefined) counters.decided(decision);
    const drops = decision?.action === 'drop';
    if (drops) counters.dropped++;
    if (drops || this.#dropped.get(event.pid) !== undefined)
      this.#dropped.set(event.pid, (drops ? event.start_time : undefined) ?? NOT_DROPPED);
    return drops;
  }

  /** The matched rules, without the suppressed ones. */
  #reported(matched: readonly MatchedRule[], event: SigmaEvent, time: number): ReportedRule[] {
    const { counters, rules, suppressor } = this.#options;
    return matched.flatMap((rule): ReportedRule[] => {
      counters.matched(rule);
      const suppression = rules!.suppressions.get(rule.id);
      if (suppression === undefined) return [rule];
      const decision = suppressor.decide(rule.id, keyOf(suppression, event), suppression.windowMs, time);
      if (!decision.report) {
        counters.suppressed++;
        return [];
      }
      return [decision.suppressed === 0 ? rule : { ...rule, suppressed: decision.suppressed }];
    });
  }
}

/** Whether a look-up is among these that the event's own fields cannot answer. */
function needsTree(lookups: ReadonlySet<keyof Lookups>): boolean {
  return [...lookups].some((name) => name !== 'container');
}

/** A rule as an alert names it; `suppressed`: its alerts withheld since the last one. */
type ReportedRule = MatchedRule & { readonly suppressed?: number };

/** The event's own time, Unix milliseconds. */
export function timeOf({ time, timestamp }: Pick<ExecEvent, 'time' | 'timestamp'>): number {
  return timestamp * 1000 + (time.charAt(19) === '.' ? Number(time.slice(20, 23).replace('Z', '').padEnd(3, '0')) : 0);
}
