import { Budget, TooMuchError } from '../completeness/budget.ts';
import { Input } from '../completeness/input.ts';
import { judgeAll } from '../completeness/judge.ts';
import { Ledger } from '../completeness/ledger.ts';
import { LineReader } from '../completeness/line-reader.ts';
import { counted, faultTexts, textOf } from '../completeness/report.ts';
import { systemCode } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { neutralise } from '../terminal-text.ts';
import { eventsIn, isUnreadable, STANDARD_INPUT, whyUnreadable } from './event-file.ts';
import { print, shownJson } from './print.ts';

export interface VerifyOptions {
  /** Paths; `-` is standard input. */
  readonly files: readonly string[];
  readonly json: boolean;
  /** A stream that does not begin with its first seal is not complete. */
  readonly whole: boolean;
}

const PROGRESS_MS = 500;
const MIB = 1024 * 1024;

/** A file that cannot be read as events. */
class InputError extends Error {
  override readonly name = 'InputError';
}

/** `probes-agent verify`: says to which number each stream of events is complete, or what is missing. */
export async function verify({ files, json, whole }: VerifyOptions): Promise<ExitCode> {
  // Its end was read the first time: the second would wait for what never comes.
  if (files.filter((file) => file === STANDARD_INPUT).length > 1) {
    process.stderr.write('probes-agent verify: standard input (-) can be read once; name it once\n');
    return EXIT.USAGE;
  }
  const ledger = new Ledger(new Budget());
  const input = new Input(ledger);
  const progress = new Progress();
  try {
    for (const file of files) await readFile(file, input, progress);
  } catch (error) {
    if (!(error instanceof InputError || error instanceof TooMuchError)) throw error;
    progress.clear();
    process.stderr.write(`${neutralise(`probes-agent verify: ${error.message}`)}\n`);
    return EXIT.INPUT;
  }
  progress.clear();
  const outcome = { streams: 0, complete: 0, faulty: [...input.faults.values()].reduce((sum, each) => sum + each, 0) };
  try {
    await (json || !process.stdout.isTTY ? printJson : printText)(ledger, input, whole, outcome);
  } catch (error) {
    // The reader has seen enough; the status stays true.
    if (systemCode(error) !== 'EPIPE') throw error;
  }
  return isComplete(outcome) ? EXIT.OK : EXIT.INCOMPLETE;
}

interface Outcome {
  streams: number;
  complete: number;
  readonly faulty: number;
}

const isComplete = ({ streams, complete, faulty }: Outcome): boolean =>
  streams > 0 && complete === streams && faulty === 0;

async function readFile(file: string, input: Input, progress: Progress): Promise<void> {
  input.begin(file);
  const lines = new LineReader(input);
  try {
    for await (const chunk of eventsIn(file)) {
      lines.push(chunk);
      progress.add(chunk.length, input.lines);
    }
    lines.end();
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    throw new InputError(whyUnreadable(error, file), { cause: error });
  }
}

async function printJson(ledger: Ledger, input: Input, whole: boolean, outcome: Outcome): Promise<void> {
  let start = '{"streams":[';
  for (const verdict of judgeAll(ledger, { whole })) {
    count(outcome, verdict.complete);
    await print(shownJson(`${start}\n${JSON.stringify(verdict)}`));
    start = ',';
  }
  const { faulty, faults, cut, lines } = input;
  const rest = {
    complete: isComplete(outcome),
    lines,
    faults: Object.fromEntries(faults),
    faulty_lines: faulty,
    unfinished_lines: cut,
  };
  await print(shownJson(`${outcome.streams === 0 ? start : ''}\n],${JSON.stringify(rest).slice(1)}\n`));
}

async function printText(ledger: Ledger, input: Input, whole: boolean, outcome: Outcome): Promise<void> {
  for (const verdict of judgeAll(ledger, { whole })) {
    count(outcome, verdict.complete);
    await printLines(textOf(verdict));
  }
  await printLines([...faultTexts(input), summaryOf(outcome)]);
}

function summaryOf({ streams, complete, faulty }: Outcome): string {
  const lines = faulty === 0 ? '' : `; ${counted(faulty, 'line')} of no use`;
  if (streams === 0) return `nothing to verify: no line says which stream it is from${lines}`;
  return `${complete} of ${counted(streams, 'stream')} complete${lines}`;
}

function count(outcome: Outcome, complete: boolean): void {
  outcome.streams++;
  if (complete) outcome.complete++;
}

/** Other people choose names of hosts and streams: escape them, so that the terminal obeys none. */
const printLines = (lines: readonly string[]): Promise<void> =>
  print(lines.map((line) => `${neutralise(line)}\n`).join(''));

/** One line on a terminal that says how far the reading is. Nothing where standard error is no terminal. */
class Progress {
  #bytes = 0;
  #shown = performance.now();
  #isThere = false;

  add(bytes: number, lines: number): void {
    this.#bytes += bytes;
    if (!process.stderr.isTTY || performance.now() - this.#shown < PROGRESS_MS) return;
    this.#shown = performance.now();
    this.#isThere = true;
    process.stderr.write(`\r${Math.floor(this.#bytes / MIB)} MiB, ${lines} lines read`);
  }

  clear(): void {
    if (this.#isThere) process.stderr.write('\r\u001b[K');
    this.#isThere = false;
  }
}
