import { BUILTIN_RULES } from '../detection/builtin-rules.ts';
import { PlaceholdersError, readPlaceholders } from '../detection/placeholders.ts';
import { readRuleFile, readRuleFolders, RuleFolderError } from '../detection/rule-files.ts';
import { systemCode } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { Detector } from '../rules/detect.ts';
import { readsEnvironment } from '../rules/fields/known.ts';
import { formatRefused, loadRules, summarize, type RuleSet } from '../rules/load.ts';
import { LineMatcher, type MatchStatistics } from '../rules/match.ts';
import { neutralise } from '../terminal-text.ts';
import { choose, isFileOf, UnknownRuleError } from './chosen-rules.ts';
import { explainMatch } from './explain-match.ts';
import { EXPLAINED_EVENTS } from './limits.ts';
import { matcherOptions, type Reading } from './matcher-options.ts';
import { shownJson } from './print.ts';
import { readingProblem, transformLines } from './recorded-lines.ts';
import { skippedGroups, type SkippedGroup } from './skipped-rules.ts';

export interface MatchOptions extends Reading {
  /** Folders. */
  readonly rules?: readonly string[];
  /** The starter rules, too. */
  readonly builtin?: boolean;
  /** A path, or `-` for standard input. */
  readonly file: string;
  /** A file of values for `%name%`. */
  readonly placeholders?: string;
  /** A rule to explain: its id, title, name or file. */
  readonly explain?: string;
  /** How many events to explain. */
  readonly first?: number;
}

/** `probes-agent match`: reports which rules match recorded events, or explains one of them. */
export async function match(options: MatchOptions): Promise<ExitCode> {
  const { explain, first } = options;
  if (explain === undefined && first !== undefined) return misused('--first is about --explain <rule>');
  const isFile = explain !== undefined && /\.ya?ml$/iu.test(explain);
  if (options.rules === undefined && options.builtin !== true && !isFile)
    return misused('name a folder of rules (--rules <folder>), or take the starter rules (--builtin)');
  try {
    const set = load(options);
    if (explain === undefined) return await matchAll(set, options);
    const chosen = choose(explain, set);
    return await explainMatch({ ...options, first: first ?? EXPLAINED_EVENTS, chosen, set });
  } catch (error) {
    const isInput =
      error instanceof RuleFolderError || error instanceof PlaceholdersError || error instanceof UnknownRuleError;
    if (!isInput) throw error;
    for (const line of error.message.split('\n')) complain(line);
    return EXIT.INPUT;
  }
}

/** @throws {RuleFolderError|PlaceholdersError} */
function load({ rules = [], builtin = false, platform, placeholders, explain }: MatchOptions): RuleSet {
  const { files, faults } = readRuleFolders(rules);
  const all = [...files, ...(builtin ? BUILTIN_RULES : [])];
  const isThere = (wanted: string): boolean => all.some(({ file }) => isFileOf(file, wanted));
  if (explain !== undefined && /\.ya?ml$/iu.test(explain) && !isThere(explain)) all.push(readRuleFile(explain));
  const set = loadRules(all, {
    logsource: { category: 'process_creation', product: platform },
    ...(placeholders === undefined ? {} : { placeholders: readPlaceholders(placeholders) }),
  });
  const unread = faults.map((fault) => ({ file: fault.file, title: '', problems: [fault] }));
  return { ...set, refused: [...unread, ...set.refused] };
}

async function matchAll(set: RuleSet, options: MatchOptions): Promise<ExitCode> {
  for (const line of formatRefused(set.refused)) say(line);
  const detector = new Detector(set);
  const matcher = new LineMatcher(detector, matcherOptions(detector, options));
  const started = performance.now();
  try {
    await transformLines(options.file, (line) => {
      const matched = matcher.match(line);
      return matched && shownJson(matched);
    });
  } catch (error) {
    if (systemCode(error) === 'EPIPE') return EXIT.OK;
    complain(readingProblem(error, options.file, matcher.statistics.lines));
    return EXIT.INPUT;
  }
  const { lines, events, environments, faulty } = matcher.statistics;
  if (options.fields === 'native' && events === 0 && lines > faulty)
    complain('no line is an event of type exec; are the fields named as in Sigma? Then add --fields sigma');
  if (events > 0 && environments === 0 && readsEnvironment(detector.fields))
    complain(
      'note: rules read variables of the environment, and no event has any; record with probes-helper run --env NAME,…',
    );
  printStatistics(set, matcher.statistics, (performance.now() - started) / 1000);
  return EXIT.OK;
}

function printStatistics(
  set: RuleSet,
  { lines, events, matched, faulty, unjudged, byRule }: MatchStatistics,
  seconds: number,
): void {
  const top = [...byRule].toSorted((a, b) => b[1] - a[1]);
  const reasons = skippedGroups(set.skipped);
  if (!process.stderr.isTTY) {
    const { rules, correlations, refused, skipped } = set;
    const loaded = {
      rules: rules.length,
      correlations: correlations.length,
      refused: refused.length,
      skipped: skipped.length,
      skipped_by_reason: reasons,
    };
    process.stderr.write(
      `${JSON.stringify({ ...loaded, lines, events, matched, faulty, unjudged, seconds: Number(seconds.toFixed(3)), matches: Object.fromEntries(top) })}\n`,
    );
    return;
  }
  const titles = new Map([...set.rules, ...set.correlations].map(({ id, title }) => [id, title]));
  process.stderr.write(
    `${summarize(set)}\n${skippedText(reasons)}${lines} lines, ${events} events, ${matched} matched, ${faulty} faulty, ${unjudged} unjudged, ${seconds.toFixed(1)} s\n`,
  );
  for (const [id, count] of top) say(`${String(count).padStart(9)}  ${id}  ${titles.get(id) ?? ''}`);
}

/** A line for each reason for which rules were skipped, with the flag that uses them. */
function skippedText(reasons: readonly SkippedGroup[]): string {
  return reasons
    .map(({ reason, count, remedy }) => {
      const use = remedy === undefined ? '' : `; ${count === 1 ? 'it is' : 'they are'} used with ${remedy}`;
      return neutralise(`${String(count).padStart(9)}  skipped: ${reason}${use}`);
    })
    .map((line) => `${line}\n`)
    .join('');
}

function misused(message: string): ExitCode {
  complain(message);
  return EXIT.USAGE;
}

function complain(message: string): void {
  say(`probes-agent match: ${message}`);
}

/** Other people choose titles and file names: escape them, so that the terminal obeys none. */
function say(line: string): void {
  process.stderr.write(`${neutralise(line)}\n`);
}
