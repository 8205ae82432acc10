import { compileRegex } from '../rules/regex/matcher.ts';
import { fold } from '../rules/value/fold.ts';
import { Budget, OverBudgetError } from './budget.ts';
import type { RedactionConfig } from './config.ts';
import { credentialsInUrls, namesWithColon, REDACTED, type Emit } from './in-text.ts';
import { secretsInArguments, secretsInCommandLine } from './in-words.ts';
import { SHAPES } from './shapes.ts';
import { compileSpans, type SpanPattern } from './spans.ts';

/** Patterns that know secrets by their place rather than by their shape. */
export const PLACES = ['option', 'tool', 'assignment', 'json', 'header', 'url'] as const;

/** Counted in place of a pattern where a text could not be searched. */
export const OVER_BUDGET = 'over_budget';

interface Shape {
  readonly name: string;
  readonly pattern: SpanPattern;
}

interface Secret {
  readonly start: number;
  readonly end: number;
}

/** The most that looking once through a text costs, a character: names and URLs are looked at back and forth, words once a nesting. */
const STEPS_A_CHARACTER = 64;
const STEPS_A_TEXT = 64;

/** The patterns of one configuration. Never changed. */
export class Patterns {
  readonly shapes: readonly Shape[];
  /** Found in the folded form of every text that a shape is found in: one look instead of one for each literal. */
  readonly anyShape: RegExp;
  readonly #off: ReadonlySet<string>;
  readonly #exceptions: readonly { readonly test: (text: string) => boolean }[];

  constructor({ patterns, except }: Pick<RedactionConfig, 'patterns' | 'except'>) {
    this.#off = new Set(except.flatMap(({ pattern }) => pattern ?? []));
    this.#exceptions = except.flatMap(({ regex }) =>
      regex === undefined ? [] : compileRegex(regex, { ignoreCase: false, multiline: false, dotAll: false }),
    );
    const all = [...Object.entries(SHAPES), ...patterns.map(({ name, regex }) => [name, regex] as const)];
    this.shapes = all.flatMap(([name, regex]) => (this.#off.has(name) ? [] : [{ name, pattern: compileSpans(regex) }]));
    const literals = this.shapes.flatMap(({ pattern }) => pattern.literals ?? ['']);
    this.anyShape = new RegExp(literals.map((literal) => RegExp.escape(literal)).join('|'));
  }

  /** Whether what was found is to stay: `context` is the secret with its name, if it has one. */
  isExcepted(pattern: string, context: () => string): boolean {
    return (
      this.#off.has(pattern) || (this.#exceptions.length > 0 && this.#exceptions.some(({ test }) => test(context())))
    );
  }
}

/** Finds and redacts the secrets of one event. */
export class Finder {
  readonly #patterns: Patterns;
  readonly #budget: Budget;
  /** Names of the patterns that redacted something. */
  readonly found = new Set<string>();
  /** The secrets themselves, for texts that repeat them. */
  readonly secrets = new Set<string>();

  constructor(patterns: Patterns, steps: number) {
    this.#patterns = patterns;
    this.#budget = new Budget(steps);
  }

  /**
   * @param image names of the program, as tools.ts lists them
   * @returns the arguments that change, by their number
   */
  inArguments(argv: readonly string[], image: readonly string[]): Map<number, string> {
    const secrets: Secret[][] = argv.map(() => []);
    const changed = new Map<number, string>();
    const searched = argv.map((text, i) => {
      const isSearched = this.#tryTo(() => this.#inText(text, true, secrets[i]!));
      if (!isSearched) changed.set(i, REDACTED);
      // Its neighbours are still told by their names.
      return isSearched ? text : '';
    });
    secretsInArguments(searched, image, (i) => this.#collect(argv[i]!, secrets[i]!, argv[i - 1]));
    for (const [i, text] of argv.entries())
      if (!changed.has(i) && secrets[i]!.length > 0) changed.set(i, this.#replace(text, secrets[i]!));
    return changed;
  }

  /** A command line that is one text; `image` is as above, where it is known. */
  inCommandLine(text: string, image: readonly string[] = []): string {
    const secrets: Secret[] = [];
    const isSearched = this.#tryTo(() => {
      this.#inText(text, false, secrets);
      secretsInCommandLine(text, { start: 0, end: text.length }, this.#collect(text, secrets), 0, image);
    });
    return isSearched ? this.#replace(text, secrets) : REDACTED;
  }

  /** A text that is no command line, such as a path: secrets by their shape, and in URLs. */
  inValue(text: string): string {
    const secrets: Secret[] = [];
    return this.#tryTo(() => this.#inText(text, false, secrets)) ? this.#replace(text, secrets) : REDACTED;
  }

  /** A value whose name says that it is a secret. */
  named(value: string, name: string): string {
    if (value === REDACTED || value === '' || this.#patterns.isExcepted('assignment', () => `${name}=${value}`))
      return value;
    this.found.add('assignment');
    return REDACTED;
  }

  /** Redacts what was found elsewhere, where a text repeats it. */
  repeated(text: string): string {
    let out = text;
    const isSearched = this.#tryTo(() => {
      for (const secret of this.secrets) {
        if (secret.length < 4) continue;
        this.#budget.spend(out.length);
        out = out.replaceAll(secret, REDACTED);
      }
    });
    return isSearched ? out : REDACTED;
  }

  #inText(text: string, isArgument: boolean, secrets: Secret[]): void {
    this.#budget.spend(STEPS_A_CHARACTER * text.length + STEPS_A_TEXT);
    const emit = this.#collect(text, secrets);
    credentialsInUrls(text, emit);
    namesWithColon(text, isArgument, emit);
    // Folded as the literals are. Lower case is another form: of İ, ſ, µ and of Σ at the end of a word.
    const folded = fold(text);
    if (!this.#patterns.anyShape.test(folded)) return;
    for (const { name, pattern } of this.#patterns.shapes) {
      const { literals } = pattern;
      if (literals !== undefined && !literals.some((literal) => folded.includes(literal))) continue;
      pattern.each(text, (start, end) => emit(start, end, name), this.#budget);
    }
  }

  #collect(text: string, secrets: Secret[], before?: string): Emit {
    return (start, end, pattern, contextStart = start) => {
      const context = (): string => {
        const own = text.slice(contextStart, end);
        return start === 0 && before !== undefined ? `${before} ${own}` : own;
      };
      if (start >= end || this.#patterns.isExcepted(pattern, context)) return;
      this.found.add(pattern);
      secrets.push({ start, end });
    };
  }

  #replace(text: string, secrets: readonly Secret[]): string {
    if (secrets.length === 0) return text;
    let out = '';
    let at = 0;
    for (const { start, end } of merged(secrets)) {
      this.secrets.add(text.slice(start, end));
      out += text.slice(at, start) + REDACTED;
      at = end;
    }
    return out + text.slice(at);
  }

  /** @returns whether the steps were enough */
  #tryTo(search: () => void): boolean {
    try {
      search();
      return true;
    } catch (error) {
      if (!(error instanceof OverBudgetError)) throw error;
      this.found.add(OVER_BUDGET);
      return false;
    }
  }
}

/** From left to right, those that touch or overlap as one. */
function merged(secrets: readonly Secret[]): Secret[] {
  const out: { start: number; end: number }[] = [];
  for (const { start, end } of secrets.toSorted((a, b) => a.start - b.start)) {
    const last = out.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else out.push({ start, end });
  }
  return out;
}
