/** The result of one test. */
export interface Outcome {
  readonly title: string;
  readonly result: 'passed' | 'failed' | 'skipped';
  /** Why it was skipped. */
  readonly reason?: string;
  /** Its log, and its failures. */
  readonly details: readonly string[];
}

const POINT = /^(?<not>not )?ok \d+ - (?<title>.*?)(?<skip> # (?:SKIP|TODO).*)?$/u;
const REASON = /\[skipped: (?<reason>[^\]]+)\] ?/u;
const HOOK = /^# .*\b(?:before|after)(?:Each)?(?:\.always)? hook(?: for .*)?$/u;

/**
 * Reads the TAP report that AVA prints with --tap. It tells an outcome when the next line that is not part of it comes.
 * Some things that AVA leaves to the reader become failures: a skip without a reason in its title
 * (`[skipped: REASON]`), and tests that AVA counts as failed and does not name.
 */
export class TapReader {
  readonly #onOutcome: (outcome: Outcome) => void;
  #rest = '';
  #current: { title: string; mark: 'passed' | 'failed' | 'skipped' | 'todo'; details: string[] } | undefined;
  /** Failures as the report counts them: failed tests, tests that did not end, crashes and todos. */
  #expected = 0;
  #failed = 0;
  /** Whether the report came to its end. */
  complete = false;

  constructor(onOutcome: (outcome: Outcome) => void) {
    this.#onOutcome = onOutcome;
  }

  push(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  /** AVA has ended. */
  end(): void {
    if (this.#rest !== '') this.#line(this.#rest);
    this.#rest = '';
    this.#flush();
    const missing = this.#expected - this.#failed;
    if (missing > 0)
      this.#tell({
        title: 'tests that did not run',
        result: 'failed',
        details: [`  AVA counts ${missing} more failures than it names.`],
      });
  }

  #line(line: string): void {
    const groups = POINT.exec(line)?.groups;
    if (groups !== undefined) {
      this.#flush();
      const { not, skip, title = '' } = groups;
      const mark = skip?.startsWith(' # TODO') ? 'todo' : skip !== undefined ? 'skipped' : not ? 'failed' : 'passed';
      this.#current = { title, mark, details: [] };
    } else if (/^1\.\.\d+$/u.test(line)) {
      this.complete = true;
      this.#flush();
    } else if (HOOK.test(line)) {
      // The log of a hook belongs to no test.
      this.#flush();
    } else if (this.complete && line.startsWith('# fail ')) {
      this.#expected = Number(line.slice('# fail '.length));
    } else if (line !== 'TAP version 13') {
      this.#current?.details.push(line);
    }
  }

  #flush(): void {
    if (this.#current === undefined) return;
    const { title: full, mark, details } = this.#current;
    this.#current = undefined;
    const reason = REASON.exec(full)?.groups?.['reason'];
    const title = full.replace(REASON, '');
    // AVA counts a todo as a failure.
    if (mark === 'todo') this.#failed++;
    if (mark === 'passed' || mark === 'failed') this.#tell({ title, result: mark, details });
    else if (reason !== undefined) this.#tell({ title, result: 'skipped', reason, details });
    else {
      // Counted above, or not by AVA at all.
      this.#failed--;
      this.#tell({
        title,
        result: 'failed',
        details: [...details, '  It was skipped, and its title does not give a reason.'],
      });
    }
  }

  #tell(outcome: Outcome): void {
    if (outcome.result === 'failed') this.#failed++;
    this.#onOutcome(outcome);
  }
}
