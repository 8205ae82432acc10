/** What became of one test. */
export interface Outcome {
  readonly title: string;
  readonly result: 'passed' | 'failed' | 'skipped';
  /** What was logged, or what went wrong. */
  readonly details: readonly string[];
}

const POINT = /^(?<not>not )?ok \d+ - (?<title>.*?)(?<skip> # SKIP.*)?$/u;

/** Reads AVA's TAP report as it comes. An outcome is told when the next begins: what belongs to it follows it. */
export class TapReader {
  readonly #onOutcome: (outcome: Outcome) => void;
  #rest = '';
  #current: { title: string; result: Outcome['result']; details: string[] } | undefined;
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

  end(): void {
    if (this.#rest !== '') this.#line(this.#rest);
    this.#rest = '';
    this.#flush();
  }

  #line(line: string): void {
    const groups = POINT.exec(line)?.groups;
    if (groups !== undefined) {
      this.#flush();
      const result = groups['not'] !== undefined ? 'failed' : groups['skip'] === undefined ? 'passed' : 'skipped';
      this.#current = { title: (groups['title'] ?? '').replaceAll(String.raw`\#`, '#'), result, details: [] };
    } else if (/^1\.\.\d+$/u.test(line)) {
      this.complete = true;
      this.#flush();
    } else if (line !== 'TAP version 13') {
      this.#current?.details.push(line);
    }
  }

  #flush(): void {
    if (this.#current !== undefined) this.#onOutcome(this.#current);
    this.#current = undefined;
  }
}
