import { isDeepStrictEqual } from 'node:util';
import { ContainerNames } from '../enrichment/containers/names.ts';
import { Enrichment } from '../enrichment/enrichment.ts';
import { FactFinder, hasProcess, type Redactor } from '../enrichment/fact-finder.ts';
import { reasonOf } from '../errors.ts';
import type { Item } from '../events/item.ts';
import type { Numbering } from '../events/position.ts';
import type { Stage } from '../events/stage.ts';
import { formatProblem } from '../problem.ts';
import { doubtfulFilters, type Filter } from '../rules/filter.ts';
import { formatRefused, type RuleSet } from '../rules/load.ts';
import { Suppressor } from '../rules/suppress.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { RulesConfig } from './config.ts';
import { DetectionCounters, mostOf } from './counters.ts';
import { Judge } from './judge.ts';
import { MAX_LOGGED_REFUSALS, MAX_SUPPRESSED_GROUPS, SUPPRESSION_REPORT_MS } from './limits.ts';
import { RuleFolderError, type RuleFolders } from './rule-files.ts';
import {
  loadRuleSet,
  lostTo,
  readRuleFiles,
  sameFiles,
  sameFindings,
  sha256Of,
  skippedByReason,
  type LoadedRules,
} from './rule-set.ts';
import { hostPlatform } from '../values/platform.ts';
import { suppressionsOf } from './suppression.ts';
import { RuleWatcher } from './watcher.ts';

/** Wait before an unreadable folder is tried again, in milliseconds. */
const RETRY_MS = 5000;

const UNREDACTED: Redactor = { commandLine: (text) => text, value: (text) => text };

/** Rules that cannot replace those in force. */
export class RulesError extends Error {
  override readonly name = 'RulesError';
  readonly reasons: readonly string[];
  /** The entry of `rules.folders` that caused it, if any. */
  readonly folder: string | undefined;

  constructor(reasons: readonly string[], folder?: string, options?: ErrorOptions) {
    super(reasons.join('; '), options);
    this.reasons = reasons;
    this.folder = folder;
  }
}

/** The parts of a configuration about filters and rules. */
export interface DetectionConfig {
  readonly filters: readonly Filter[];
  readonly rules?: RulesConfig | undefined;
}

/** Filters and rules that are ready for use. */
export interface Prepared {
  readonly config: DetectionConfig;
  readonly loaded: LoadedRules | undefined;
  /** Absent without filters and rules: events then pass unjudged. */
  readonly judge: Judge | undefined;
  readonly warnings: readonly string[];
}

export interface DetectionOptions {
  /** Called just before rules come in force whose files changed, between two batches. */
  onChange?: () => void;
  readFiles?: typeof readRuleFiles;
  /** Redacts facts for outputs. Left out: they stay as they are. */
  redact?: Redactor;
}

/**
 * The filters and rules in force: a stage between source and outputs. They change as a whole, between two batches, when the
 * configuration or a rule file changes. If loading fails, they stay.
 */
export class Detection {
  readonly counters = new DetectionCounters();
  readonly #telemetry: Telemetry;
  readonly #onChange: () => void;
  readonly #readFiles: typeof readRuleFiles;
  /** Names of containers, for rules and outputs. */
  readonly containerNames = new ContainerNames({ counts: this.counters.containerNames });
  readonly #enrichment = new Enrichment({ live: true, containerNames: this.containerNames });
  /** Facts that outputs ask for. */
  readonly facts: FactFinder;
  readonly #suppressor = new Suppressor(MAX_SUPPRESSED_GROUPS);
  readonly #watcher: RuleWatcher;
  readonly #reporter: NodeJS.Timeout;
  #inForce: Prepared | undefined;
  #rulesSha256: string | undefined;

  /** @param readFiles replaced only in tests */
  constructor(
    telemetry: Telemetry,
    { onChange = () => undefined, readFiles = readRuleFiles, redact = UNREDACTED }: DetectionOptions = {},
  ) {
    this.#onChange = onChange;
    this.#telemetry = telemetry;
    this.#readFiles = readFiles;
    this.facts = new FactFinder({
      enrichment: this.#enrichment,
      counters: this.counters.facts,
      redact,
      onFailure: (error) => telemetry.raiseRepeating('EnrichmentFailed', reasonOf(error), { reason: reasonOf(error) }),
      onHashingFailed: (reason) => telemetry.raiseRepeating('HashingFailed', reason, { reason }),
    });
    this.#watcher = new RuleWatcher({
      onChange: () => this.#reread(),
      onUnwatched: (folder, reason) => telemetry.raiseRepeating('RulesNotWatched', folder, { folder, reason }),
    });
    this.#reporter = setInterval(() => this.#reportSuppressed(Date.now()), SUPPRESSION_REPORT_MS).unref();
  }

  /** SHA-256 of the rules in force, undefined without rules. */
  get rulesSha256(): string | undefined {
    return this.#rulesSha256;
  }

  /** The filters and rules in force, as people who look are told. */
  get inForce(): { readonly filters: readonly Filter[]; readonly set: RuleSet | undefined } {
    return { filters: this.#inForce?.config.filters ?? [], set: this.#inForce?.loaded?.set };
  }

  /** Filters, then rules. */
  readonly stage: Stage = (batch) => {
    const judge = this.#inForce?.judge;
    if (judge !== undefined) return judge.judge(batch);
    return this.facts.isNeeded ? this.#addFacts(batch) : batch;
  };

  /** Without filters and rules, only outputs look at events. */
  #addFacts(batch: readonly Item[]): readonly Item[] {
    const items = batch.map((item) => {
      if (item.gap !== undefined) return item;
      const { event } = item;
      if (this.facts.needsTree) this.#enrichment.tree.take(event);
      return hasProcess(event) ? this.facts.addTo(item, event) : item;
    });
    this.facts.flush();
    return items;
  }

  /** Events from now on have these numbers. */
  begin({ bootId }: Numbering): void {
    this.#enrichment.begin(bootId);
  }

  /** Learns about processes from a replayed event that was judged before, perhaps by an earlier agent. */
  readonly learn = (item: Item): void => {
    const needsTree = this.#inForce?.judge?.needsTree === true || this.facts.needsTree;
    if (!needsTree || item.gap !== undefined) return;
    this.#enrichment.tree.take(item.event);
  };

  /**
   * Prepares the filters and rules of a configuration, and changes nothing.
   * @throws {RulesError} when rules cannot be read, or a mistake would remove a rule in force
   */
  prepare({ filters, rules }: DetectionConfig): Prepared {
    const config = { filters, rules };
    const read = rules === undefined ? undefined : this.#read(rules);
    const inForce = this.#inForce;
    // Without a change, keep the state that counts events.
    if (
      inForce !== undefined &&
      isDeepStrictEqual(inForce.config, config) &&
      sameFiles(inForce.loaded?.files ?? [], read?.files ?? [])
    )
      return read === undefined ? inForce : this.#withFindings(inForce, read);
    return this.#compile(config, rules === undefined || read === undefined ? undefined : this.#load(rules, read));
  }

  /** Puts `prepared` in force from the next batch on. */
  adopt(prepared: Prepared): void {
    if (this.#inForce?.loaded !== prepared.loaded || this.#inForce === undefined)
      this.#rulesSha256 = prepared.loaded && sha256Of(prepared.loaded.files);
    this.#inForce = prepared;
    const { loaded, warnings, config } = prepared;
    this.#watcher.watch(loaded?.folders ?? []);
    // Catch changes between reading and watching.
    if (loaded !== undefined) this.#watcher.touch();
    if (loaded === undefined && config.filters.length === 0) return;
    const { rules = [], correlations = [], filters = 0, refused = [] } = loaded?.set ?? {};
    this.#telemetry.raise('RulesLoaded', {
      rules: rules.length,
      correlations: correlations.length,
      global_filters: filters,
      filters: config.filters.length,
      refused: refused.length,
      skipped: loaded === undefined ? {} : skippedByReason(loaded.set),
    });
    this.#list('RuleRefused', formatRefused(refused));
    this.#list('RuleDoubtful', warnings);
    this.#list('ConfigExposed', loaded?.exposed ?? []);
  }

  /** Stops judging, and logs the totals. */
  close(): void {
    clearInterval(this.#reporter);
    this.#watcher.close();
    this.containerNames.close();
    this.#reportSuppressed(Infinity);
    if (this.#inForce?.judge !== undefined) this.#telemetry.raise('EventsJudged', this.counters.summary());
  }

  #read(config: RulesConfig): RuleFolders {
    try {
      return this.#readFiles(config);
    } catch (error) {
      if (!(error instanceof RuleFolderError)) throw error;
      throw new RulesError([error.message], error.folder, { cause: error });
    }
  }

  #load(config: RulesConfig, read: RuleFolders): LoadedRules {
    const loaded = loadRuleSet(config, hostPlatform(), read);
    const current = this.#inForce?.loaded;
    const reasons = current === undefined ? [] : lostTo(loaded.set, current.set);
    if (reasons.length > 0) throw new RulesError(reasons);
    return loaded;
  }

  /** The rules in force, with what is found wrong beside their files now. They go on counting. */
  #withFindings(inForce: Prepared, read: RuleFolders): Prepared {
    const { config, loaded } = inForce;
    if (loaded === undefined || config.rules === undefined || sameFindings(loaded, read)) return inForce;
    return { ...inForce, loaded: this.#load(config.rules, read) };
  }

  #compile(config: Prepared['config'], loaded: LoadedRules | undefined): Prepared {
    const { filters, rules } = config;
    const suppressions = loaded === undefined || rules === undefined ? undefined : suppressionsOf(rules, loaded.set);
    const isNeeded = filters.length > 0 || (loaded !== undefined && loaded.set.rules.length > 0);
    const judge = !isNeeded
      ? undefined
      : new Judge({
          filters,
          ...(loaded === undefined || suppressions === undefined
            ? {}
            : { rules: { set: loaded.set, suppressions: suppressions.byRule } }),
          platform: hostPlatform(),
          enrichment: this.#enrichment,
          facts: this.facts,
          counters: this.counters,
          suppressor: this.#suppressor,
          onFailure: (error) =>
            this.#telemetry.raiseRepeating('JudgementFailed', reasonOf(error), { reason: reasonOf(error) }),
          onOverBudget: ({ pid, seq }) => this.#telemetry.raiseRepeating('EventUnjudged', '', { pid, seq }),
        });
    return {
      config,
      loaded,
      judge,
      warnings: [
        ...doubtfulFilters(filters),
        ...(loaded?.set.warnings.map(formatProblem) ?? []),
        ...(suppressions?.warnings ?? []),
      ],
    };
  }

  /** Reads the rule files again, since they may have changed. */
  #reread(): void {
    const { config, loaded } = this.#inForce ?? {};
    if (config?.rules === undefined || loaded === undefined) return;
    try {
      const read = this.#read(config.rules);
      if (sameFiles(read.files, loaded.files)) {
        const current = this.#withFindings(this.#inForce!, read);
        if (current === this.#inForce) this.#watcher.watch(read.folders);
        else this.adopt(current);
      } else {
        const prepared = this.#compile(config, this.#load(config.rules, read));
        this.#onChange();
        this.adopt(prepared);
      }
    } catch (error) {
      // Whatever the files hold, the rules in force stay and the agent continues.
      const { reasons, folder } = error instanceof RulesError ? error : new RulesError([reasonOf(error)]);
      const problems = reasons.slice(0, MAX_LOGGED_REFUSALS);
      this.#telemetry.raiseRepeating('RulesRefused', problems.join(), { problems });
      this.#watcher.watch(loaded.folders);
      // Nothing announces that a folder is readable again, so try later. A mended file triggers the watcher.
      if (folder !== undefined) this.#watcher.touch(RETRY_MS);
    }
  }

  /** Logs what was suppressed in windows that have ended by `nowMs`. */
  #reportSuppressed(nowMs: number): void {
    const held = new Map<string, number>();
    for (const { rule, count } of this.#suppressor.take(nowMs)) held.set(rule, (held.get(rule) ?? 0) + count);
    if (held.size > 0) this.#telemetry.raise('AlertsSuppressed', { rules: mostOf(held) });
  }

  #list(event: 'RuleRefused' | 'RuleDoubtful' | 'ConfigExposed', problems: readonly string[]): void {
    if (problems.length === 0) return;
    const more = problems.length - MAX_LOGGED_REFUSALS;
    this.#telemetry.raise(event, { problems: problems.slice(0, MAX_LOGGED_REFUSALS), ...(more > 0 ? { more } : {}) });
  }
}
