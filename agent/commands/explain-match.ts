import type { ExecEvent } from '../../shared/events/exec.ts';
import { systemCode } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { paintFor } from '../terminal/paint.ts';
import { showsUtf8 } from '../terminal/utf8.ts';
import { Detector } from '../rules/detect.ts';
import { OverBudgetError, type SigmaEvent } from '../rules/engine.ts';
import { CorrelationExplainer, type ExplainedCorrelation } from '../rules/explain/correlation.ts';
import { explain, isMatch } from '../rules/explain/explain.ts';
import type { Explained, Held } from '../rules/explain/explained.ts';
import type { PartlyKnown } from '../rules/explain/field-value.ts';
import { cutFields, incompleteFields } from '../rules/fields/incomplete.ts';
import type { Rule, RuleSet } from '../rules/load.ts';
import { readEventLine, type EventLine, type MatcherOptions } from '../rules/match.ts';
import { neutralise, neutraliseJson } from '../terminal-text.ts';
import type { ChosenRules } from './chosen-rules.ts';
import type * as ExplanationText from '../view/explanation.ts';
import { matcherOptions, type Reading } from './matcher-options.ts';
import { readingProblem, transformLines } from './recorded-lines.ts';

export interface ExplainOptions extends Reading {
  /** A path, or `-` for standard input. */
  readonly file: string;
  /** How many events to explain; of correlations, events that a rule below them matches. */
  readonly first: number;
  readonly chosen: ChosenRules;
  readonly set: RuleSet;
}

/** One rule and one event, explained. One JSON line is one of these. */
interface Result {
  /** Counted from 1. */
  readonly line: number;
  readonly rule: { readonly id: string; readonly title: string; readonly level?: string };
  readonly matched: boolean;
  /** Of a rule of single events. */
  readonly explanation?: Explained;
  /** Of a correlation. */
  readonly correlation?: ExplainedCorrelation;
  /** It would take too long to say. */
  readonly unjudged?: true;
}

/** @param written the event as its line has it */
type Format = (result: Result, written: SigmaEvent) => string;

/** Explains chosen rules event by event, until `first` events are explained. */
class LineExplainer {
  readonly statistics = { lines: 0, events: 0, explained: 0, matched: 0, faulty: 0, unjudged: 0 };
  readonly #first: number;
  readonly #rules: readonly Rule[];
  readonly #correlations: readonly { readonly rule: Result['rule']; readonly explainer: CorrelationExplainer }[];
  readonly #reading: MatcherOptions;
  readonly #format: Format;

  constructor({ chosen, set, first, ...reading }: ExplainOptions, format: Format) {
    this.#first = first;
    this.#format = format;
    this.#rules = chosen.rules;
    this.#correlations = chosen.correlations.map((rule) => ({
      rule: nameOf(rule),
      explainer: new CorrelationExplainer(rule, set),
    }));
    const below = this.#correlations.map(({ explainer }) => explainer.set);
    const detector = new Detector({
      ...set,
      rules: [...new Set([...chosen.rules, ...below.flatMap(({ rules }) => rules)])],
      correlations: [...new Set(below.flatMap(({ correlations }) => correlations))],
    });
    this.#reading = matcherOptions(detector, reading);
  }

  get isDone(): boolean {
    return this.statistics.explained >= this.#first;
  }

  /** @returns what is to be printed, or undefined where nothing is */
  explain(line: string): string | undefined {
    if (this.isDone) return undefined;
    const read = readEventLine(line, this.#reading, this.statistics);
    if (read === undefined) return undefined;
    const results = this.#resultsOf(read);
    if (results.length === 0) return undefined;
    this.statistics.explained++;
    if (results.some(({ matched }) => matched)) this.statistics.matched++;
    if (results.some(({ unjudged }) => unjudged)) this.statistics.unjudged++;
    return results.map((result) => this.#format(result, read.written)).join('\n');
  }

  #resultsOf({ event, written, timeMs }: EventLine): Result[] {
    const exec = written as unknown as ExecEvent;
    const known: PartlyKnown = { ends: incompleteFields(exec), starts: cutFields(exec) };
    const { lines: line } = this.statistics;
    const results = this.#rules.map((rule) =>
      judged({ line, rule: nameOf(rule) }, () => {
        const explanation = explain(rule, event, known);
        return { matched: isMatch(explanation), explanation };
      }),
    );
    for (const { rule, explainer } of this.#correlations)
      results.push(
        judged({ line, rule }, () => {
          const correlation = explainer.explain(event, timeMs, known);
          return correlation && { matched: correlation.matched, correlation };
        }),
      );
    return results.filter((result) => result !== undefined);
  }
}

function judged(
  about: Pick<Result, 'line' | 'rule'>,
  explained: () => Pick<Result, 'matched' | 'explanation' | 'correlation'> | undefined,
): Result | undefined {
  try {
    const result = explained();
    return result && { ...about, ...result };
  } catch (error) {
    if (!(error instanceof OverBudgetError)) throw error;
    return { ...about, matched: false, unjudged: true };
  }
}

const nameOf = ({ id, title, level }: Pick<Rule, 'id' | 'title' | 'level'>): Result['rule'] => ({
  id,
  title,
  ...(level === undefined ? {} : { level }),
});

/** `probes-agent match --explain`: a tree in a terminal, a line of JSON for each event and rule elsewhere. */
export async function explainMatch(options: ExplainOptions): Promise<ExitCode> {
  const format = process.stdout.isTTY ? await treeFormat() : jsonFormat;
  const explainer = new LineExplainer(options, format);
  try {
    await transformLines(
      options.file,
      (line) => explainer.explain(line),
      () => explainer.isDone,
    );
  } catch (error) {
    if (systemCode(error) === 'EPIPE') return EXIT.OK;
    process.stderr.write(
      `${neutralise(`probes-agent match: ${readingProblem(error, options.file, explainer.statistics.lines)}`)}\n`,
    );
    return EXIT.INPUT;
  }
  printStatistics(explainer, options);
  return EXIT.OK;
}

const jsonFormat: Format = (result) => neutraliseJson(JSON.stringify(result));

async function treeFormat(): Promise<Format> {
  const text: typeof ExplanationText = await import('../view/explanation.ts');
  const paint = paintFor(process.stdout);
  return ({ line, rule, matched, explanation, correlation, unjudged }, written) => {
    const options = { columns: process.stdout.columns || Infinity, paint, isUtf8: showsUtf8() };
    const held: Held = explanation?.held ?? matched;
    const verdict = unjudged
      ? 'takes too long to say'
      : held === 'maybe'
        ? 'may match, which counts as a match'
        : matched
          ? 'matches'
          : 'does not match';
    const level = rule.level === undefined ? '' : ` (${rule.level})`;
    const command = written['command'] ?? written['CommandLine'] ?? written['Image'];
    return [
      `${text.markOf(held, options)} ${paint('bold', `line ${line}`)} ${neutralise(`${verdict}: ${rule.title}${level}`)}`,
      ...(typeof command === 'string' ? [paint('dim', text.cutCommand(command, options))] : []),
      ...(explanation === undefined ? [] : text.treeOf(explanation, options)),
      ...(correlation === undefined ? [] : text.correlationTextOf(correlation, options)),
      '',
    ].join('\n');
  };
}

function printStatistics({ statistics, isDone }: LineExplainer, { chosen, fields, first }: ExplainOptions): void {
  const { explained, matched, faulty, unjudged, events, lines } = statistics;
  if (!process.stderr.isTTY) {
    process.stderr.write(`${JSON.stringify({ ...statistics, stopped: isDone })}\n`);
    return;
  }
  const what = `event${explained === 1 ? '' : 's'}${chosen.rules.length > 0 ? '' : ' that feed it'}`;
  process.stderr.write(`${explained} ${what} explained, ${matched} matched, ${faulty} faulty, ${unjudged} unjudged\n`);
  if (isDone) process.stderr.write(`Stopped after ${first}; --first NUMBER explains more.\n`);
  else if (fields === 'native' && events === 0 && lines > faulty)
    process.stderr.write(
      'No line is an event of type exec; are the fields named as in Sigma? Then add --fields sigma.\n',
    );
}
