import { looksLikePath, nameStart, REDACTED, saysNothing, type Emit } from './in-text.ts';
import { MAX_NESTING } from './limits.ts';
import { querySecrecyOf, secrecyOf, takesNone, type Secrecy } from './names.ts';
import { baseName, TOOLS, WRAPPERS, type Mode, type Tool } from './tools.ts';
import { closingQuote, isCommandEnd, SPACE, unquoted, wordsIn, type Word } from './words.ts';

/** One word of a list, and where it stands in its text: an argument stands in itself. */
interface Piece {
  readonly text: string;
  /** Within its quotes. */
  readonly start: number;
  readonly end: number;
  readonly emit: Emit;
  /** Whether single quotes stand around it, so that a shell put nothing in place of `$NAME`. */
  readonly isLiteral: boolean;
}

interface Waiting {
  readonly mode: Mode;
  readonly secrecy: Secrecy;
  readonly pattern: string;
  readonly isOptional: boolean;
}

/** After one of these, and an option of the second kind, an argument is a command line: `sh -c`, `cmd /c`, `su ada -c`. */
const SHELLS: ReadonlySet<string> = new Set(['sh', 'bash', 'dash', 'ash', 'zsh', 'ksh', 'mksh', 'fish', 'csh', 'tcsh', 'su', 'runuser', 'script', 'flock', 'busybox', 'cmd', 'powershell', 'pwsh']); // prettier-ignore
const BEFORE_COMMAND = /^(?:-[A-Za-z]*c|\/[ck]|--?command)$/i;

/** The arguments of a process. `emit` is called with the number of the argument first. */
export function secretsInArguments(
  argv: readonly string[],
  image: readonly string[],
  emitIn: (index: number) => Emit,
): void {
  const walk = new Walk(image, false);
  let hasShell = image.some((name) => SHELLS.has(name));
  for (const [i, text] of argv.entries()) {
    const emit = emitIn(i);
    const isCommand = hasShell && i > 0 && SPACE.test(text) && BEFORE_COMMAND.test(argv[i - 1]!);
    hasShell ||= SHELLS.has(baseName(text));
    if (isCommand) walk.pass();
    else walk.take({ text, start: 0, end: text.length, emit, isLiteral: true });
    if (isCommand || (SPACE.test(text) && !walk.tookAll))
      secretsInCommandLine(text, { start: 0, end: text.length }, emit, 1);
  }
}

/** A command line that is one text, or a part of one. */
export function secretsInCommandLine(
  text: string,
  part: Word,
  emit: Emit,
  depth: number,
  image: readonly string[] = [],
): void {
  if (depth > MAX_NESTING) return;
  const walk = new Walk(image, true);
  for (const word of wordsIn(text.slice(part.start, part.end))) {
    const whole = { start: part.start + word.start, end: part.start + word.end };
    const inner = unquoted(text, whole);
    const piece = text.slice(inner.start, inner.end);
    const isQuoted = inner.start > whole.start;
    if (!isQuoted && isCommandEnd(piece)) {
      walk.endCommand();
      continue;
    }
    walk.take({ text, ...inner, emit, isLiteral: isQuoted && text[whole.start] === "'" });
    if (isQuoted && SPACE.test(piece)) secretsInCommandLine(text, inner, emit, depth + 1);
  }
}

/** Goes from word to word and remembers what the words before ask of the next. */
class Walk {
  readonly #isText: boolean;
  #tools: Tool[];
  #waiting: Waiting | undefined;
  readonly #seen = new Set<string>();
  #before = '';
  #isWrapped = false;
  #isFirst = true;
  /** Whether the last word was a value, or its name had one that reaches to its end. */
  tookAll = false;

  constructor(image: readonly string[], isText: boolean) {
    this.#isText = isText;
    this.#tools = image.flatMap((name) => TOOLS.get(name) ?? []);
    this.#isWrapped = image.some((name) => WRAPPERS.has(name));
  }

  endCommand(): void {
    this.#tools = [];
    this.#waiting = undefined;
    this.#before = '';
    this.#isFirst = true;
    this.#isWrapped = false;
    this.#seen.clear();
  }

  /** A word that is a command line of its own. */
  pass(): void {
    this.#waiting = undefined;
    this.#before = '';
    this.tookAll = false;
  }

  take(piece: Piece): void {
    const { text, start, end } = piece;
    const word = text.slice(start, end);
    this.tookAll = false;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined && !(waiting.isOptional && word.startsWith('-') && word.length > 1)) {
      this.tookAll = this.#value(piece, start, waiting.mode, waiting.secrecy, waiting.pattern, start);
      if (this.tookAll || saysNothing(word)) return this.#remember(word);
    }
    const isOption = word.startsWith('-') || word.startsWith('/');
    if (isOption) this.#option(piece, word);
    this.#assignments(piece, word);
    if (!isOption && this.#before === 'set' && secrecyOf(word.slice(word.lastIndexOf(':') + 1)) !== undefined)
      this.#waiting = { mode: 'whole', secrecy: 'secret', pattern: 'option', isOptional: true };
    this.#command(word, isOption && word.startsWith('-'));
    this.#remember(word);
  }

  #remember(word: string): void {
    this.#before = word.length <= 64 ? word : '';
    if (word === 'login') this.#seen.add(word);
    this.#isFirst = false;
  }

  /** A program that is run, perhaps by another: its options mean what they mean for it. */
  #command(word: string, isOption: boolean): void {
    if (isOption || word.includes('://') || SPACE.test(word.slice(0, 256))) return;
    const name = baseName(word);
    const tool = TOOLS.get(name);
    const before = this.#before;
    const isValue =
      before.startsWith('-') &&
      before !== '--' &&
      !(this.#isWrapped && /^-[A-Za-z]+$/.test(before) && !/^-[ughUCrt]$/.test(before));
    const isCommand = this.#isFirst || !isValue;
    if (!this.#isFirst) this.#tools = this.#tools.filter(({ runsOther }) => runsOther !== true);
    if (isCommand && tool !== undefined && !this.#tools.includes(tool)) this.#tools = [...this.#tools, tool];
    if (this.#isFirst && WRAPPERS.has(name)) this.#isWrapped = true;
  }

  #option(piece: Piece, word: string): void {
    if (this.#toolOption(piece, word)) return;
    // /password:SECRET, -Password:SECRET
    const named = /^(?:\/|--?)([A-Za-z][A-Za-z0-9_-]{0,63}):/.exec(word.slice(0, 80));
    if (named !== null) {
      const secrecy = secrecyOf(named[1]!);
      if (secrecy === undefined) return;
      const guarded = word.startsWith('/') ? 'secret_unless_path' : secrecy;
      this.tookAll = this.#value(piece, piece.start + named[0].length, 'whole', guarded, 'option', piece.start);
      return;
    }
    if (!/^--?[A-Za-z][A-Za-z0-9_.-]*$/.test(word)) return;
    const secrecy = secrecyOf(word);
    if (secrecy !== undefined && !takesNone(word))
      this.#waiting = { mode: 'whole', secrecy, pattern: 'option', isOptional: true };
    if (/^-(?:passin|passout)$/.test(word))
      this.#waiting = { mode: 'openssl', secrecy: 'secret', pattern: 'tool', isOptional: true };
  }

  #toolOption(piece: Piece, word: string): boolean {
    for (const { options, cluster } of this.#tools) {
      const skipped = cluster?.exec(word.slice(0, 64))?.[0].length ?? 0;
      const plain = skipped === 0 ? word : `-${word.slice(skipped)}`;
      for (const [option, { mode, attached, separate, after, optional }] of Object.entries(options)) {
        if (!plain.startsWith(option) || (after !== undefined && !this.#seen.has(after))) continue;
        if (plain === option) {
          if (separate !== true) continue;
          this.#waiting = { mode, secrecy: 'secret', pattern: 'tool', isOptional: optional === true };
          return true;
        }
        let from = piece.start + option.length + (skipped === 0 ? 0 : skipped - 1);
        if (option.startsWith('--')) {
          if (plain[option.length] !== '=') continue;
          from++;
        } else if (attached !== true) continue;
        else if (option.startsWith('/') && /[:=]/.test(piece.text[from] ?? '')) from++;
        else if (option.startsWith('/') && !option.endsWith(':')) continue;
        this.tookAll = this.#value(piece, from, mode, 'secret', 'tool', piece.start);
        return true;
      }
    }
    return false;
  }

  /** `NAME=SECRET`, at the beginning of a word, in a query, in a connection string, behind another `=`. */
  #assignments({ text, start, end, emit, isLiteral }: Piece, word: string): void {
    const piece = { text, start, end, emit, isLiteral };
    // In an argument that has words, a name at its beginning has all the rest. The others are for the words.
    const isOneWord = this.#isText || !SPACE.test(word);
    for (let equals = word.indexOf('='); equals >= 0; equals = word.indexOf('=', equals + 1)) {
      const from = nameStart(word, equals);
      const before = word[from - 1];
      const isQuery = before === '?' || before === '&';
      const secrecy = (isQuery ? querySecrecyOf : secrecyOf)(word.slice(from, equals));
      if (secrecy === undefined || (from > 0 && !isOneWord)) continue;
      let value = equals + 1;
      while (word[value] === '=') value++;
      const ends = delimiterAfter(before);
      // Its brackets would end the value.
      if (ends !== undefined && word.startsWith(REDACTED, value)) continue;
      let stop = word.length;
      const quote = word[value];
      if (ends !== undefined && (quote === '"' || quote === "'")) {
        const close = closingQuote(word, value + 1, quote);
        stop = close < 0 ? word.length : close + 1;
      } else if (ends !== undefined) {
        stop = value;
        while (stop < word.length && !ends.test(word[stop]!)) stop++;
      }
      const pattern = before === undefined && word.startsWith('-') ? 'option' : 'assignment';
      const took = this.#value({ ...piece, end: start + stop }, start + value, 'whole', secrecy, pattern, start + from);
      if (took && stop === word.length) this.tookAll = true;
      equals = Math.max(equals, stop - 1);
    }
  }

  /** @returns whether there is a secret */
  #value(piece: Piece, from: number, mode: Mode, secrecy: Secrecy, pattern: string, context: number): boolean {
    const { text, emit, isLiteral } = piece;
    const inner = unquoted(text, { start: from, end: piece.end });
    const { end } = inner;
    let { start } = inner;
    const isQuoted = start > from;
    const value = text.slice(start, Math.min(end, start + 256));
    // A shell will put the value in its place: the name of a variable is no secret.
    if (this.#isText && !isLiteral && !(isQuoted && text[from] === "'") && isReference(value, end - start))
      return false;
    if (secrecy === 'secret_unless_path' && looksLikePath(value)) return false;
    if (mode === 'after_colon' || mode === 'after_percent') {
      const sign = text.indexOf(mode === 'after_colon' ? ':' : '%', start);
      if (sign < 0 || sign >= end || /[/\\]/.test(text[sign + 1] ?? '')) return false;
      start = sign + 1;
    } else if (mode === 'cookies') {
      const equals = text.indexOf('=', start);
      if (equals < 0 || equals >= end) return false;
    } else if (mode === 'openssl') {
      if (!value.startsWith('pass:')) return false;
      start += 'pass:'.length;
    }
    if (saysNothing(text.slice(start, Math.min(end, start + 32)))) return false;
    emit(start, end, pattern, context);
    return true;
  }
}

/** `$NAME`, `${NAME}`, `$(command)`, of which the word may have the `$` alone, `%NAME%`. */
function isReference(value: string, length: number): boolean {
  return length <= 256 && /^(?:\$|\$[A-Za-z_]\w*|\$\{[^}]*\}|\$\(.*\)|`.*`|%\w+%)$/.test(value);
}

/** The character that ends a value whose name stands behind this one; undefined where none does. */
function delimiterAfter(before: string | undefined): RegExp | undefined {
  switch (before) {
    case '?':
    case '&':
      return /[&#\s"'`<>]/;
    case ';':
      return /[;"'\s]/;
    case ',':
      return /[,"'\s]/;
    case '{':
    case '[':
    case '(':
      return /[,;}\])"']/;
    case '"':
    case "'":
      return /["']/;
    default:
      return undefined;
  }
}
