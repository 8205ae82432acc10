import type { ExecEvent } from '../../shared/events/exec.ts';
import { checkEvent, EventError } from '../../shared/events/parse.ts';
import { PlaceholdersError, readPlaceholders } from '../detection/placeholders.ts';
import { readRuleFolders, RuleFolderError } from '../detection/rule-files.ts';
import { timeOf } from '../detection/judge.ts';
import { Enrichment } from '../enrichment/enrichment.ts';
import { systemCode } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { Detector } from '../rules/detect.ts';
import { createMapper, fieldsReadBy, lookupsFor } from '../rules/fields/mapper.ts';
import { formatRefused, loadRules, summarize, type RuleSet } from '../rules/load.ts';
import { LineMatcher, type MatcherOptions, type MatchStatistics } from '../rules/match.ts';
import type { Platform } from '../values/platform.ts';
import { neutralise } from '../terminal-text.ts';
import { readingProblem, transformLines } from './recorded-lines.ts';

export interface MatchOptions {
  readonly rules: readonly string[];
  /** A path, or `-` for standard input. */
  readonly file: string;
  /** Naming scheme of the events' fields. */
  readonly fields: 'native' | 'sigma';
  readonly platform: Platform;
  /** A file of values for `%name%`. */
  readonly placeholders?: string;
}

/** `probes-agent match`: reports which rules match recorded events. */
export async function match(options: MatchOptions): Promise<ExitCode> {
  let set: RuleSet;
  try {
    const { files, faults } = readRuleFolders(options.rules);
    set = loadRules(files, {
      logsource: { category: 'process_creation', product: options.platform },
      ...(options.placeholders === undefined ? {} : { placeholders: readPlaceholders(options.placeholders) }),
    });
    set = {
      ...set,
      refused: [...faults.map((fault) => ({ file: fault.file, title: '', problems: [fault] })), ...set.refused],
    };
  } catch (error) {
    if (!(error instanceof RuleFolderError || error instanceof PlaceholdersError)) throw error;
    complain(error.message);
    return EXIT.INPUT;
  }
  for (const line of formatRefused(set.refused)) say(line);
  const detector = new Detector(set);
  const matcher = new LineMatcher(detector, matcherOptions(detector, options));
  const started = performance.now();
  try {
    await transformLines(options.file, (line) => matcher.match(line));
  } catch (error) {
    if (systemCode(error) === 'EPIPE') return EXIT.OK;
    complain(readingProblem(error, options.file, matcher.statistics.lines));
    return EXIT.INPUT;
  }
  const { lines, events, faulty } = matcher.statistics;
  if (options.fields === 'native' && events === 0 && lines > faulty)
    complain('no line is an event of type exec; are the fields named as in Sigma? Then add --fields sigma');
  printStatistics(set, matcher.statistics, (performance.now() - started) / 1000);
  return EXIT.OK;
}

/** The events come from another machine or time: look-ups use earlier events, not this machine. */
function matcherOptions(detector: Detector, { fields, platform }: MatchOptions): MatcherOptions {
  if (fields === 'sigma') return { toSigma: (event) => event, timeOf: sigmaTime };
  const needed = fieldsReadBy(detector);
  const lookups = lookupsFor(platform, needed);
  const enrichment = new Enrichment({ live: false });
  const map = createMapper({ platform, fields: needed, lookups: enrichment.lookups(lookups) });
  return {
    toSigma: (event) => {
      if (event['type'] !== 'exec') return undefined;
      if (!isEvent(event)) return 'faulty';
      const exec = event as unknown as ExecEvent;
      if (lookups.size > 0) enrichment.tree.see(exec);
      return map(exec);
    },
    timeOf: (event) => timeOf(event as unknown as ExecEvent),
  };
}

function isEvent(value: unknown): boolean {
  try {
    checkEvent(value);
    return true;
  } catch (error) {
    if (error instanceof EventError) return false;
    throw error;
  }
}

/** Sysmon's UtcTime, else 0: without times, correlations count all events in one window. */
function sigmaTime({ UtcTime }: Readonly<Record<string, unknown>>): number {
  const time = typeof UtcTime === 'string' ? Date.parse(`${UtcTime.replace(' ', 'T')}Z`) : 0;
  return Number.isNaN(time) ? 0 : time;
}

function printStatistics(
  set: RuleSet,
  { lines, events, matched, faulty, unjudged, byRule }: MatchStatistics,
  seconds: number,
): void {
  const top = [...byRule].toSorted((a, b) => b[1] - a[1]);
  if (!process.stderr.isTTY) {
    const { rules, correlations, refused, skipped } = set;
    const loaded = {
      rules: rules.length,
      correlations: correlations.length,
      refused: refused.length,
      skipped: skipped.length,
    };
    process.stderr.write(
      `${JSON.stringify({ ...loaded, lines, events, matched, faulty, unjudged, seconds: Number(seconds.toFixed(3)), matches: Object.fromEntries(top) })}\n`,
    );
    return;
  }
  const titles = new Map([...set.rules, ...set.correlations].map(({ id, title }) => [id, title]));
  process.stderr.write(
    `${summarize(set)}\n${lines} lines, ${events} events, ${matched} matched, ${faulty} faulty, ${unjudged} unjudged, ${seconds.toFixed(1)} s\n`,
  );
  for (const [id, count] of top) say(`${String(count).padStart(9)}  ${id}  ${titles.get(id) ?? ''}`);
}

function complain(message: string): void {
  say(`probes-agent match: ${message}`);
}

/** Other people choose titles and file names: escape them, so that the terminal obeys none. */
function say(line: string): void {
  process.stderr.write(`${neutralise(line)}\n`);
}
