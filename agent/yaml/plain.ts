import type { Entry, Node, Source, YamlFile } from './node.ts';
import { scalar } from './scalar.ts';

/**
 * A fast reader for the plain part of YAML that nearly all rules are written
 * in: block maps and lists, one-line scalars, literal blocks, comments. Whatever else it meets, faults included, it leaves to
 * the complete reader, so it never has to judge: it gives the same answer or none, which the tests hold it to.
 *
 * It is here for what it saves. The agent stands still while rules are read, at a start as at each change of a rule file. Reading the
 * 1,629 files of SigmaHQ's rules for process creation takes 72 ms with it and 427 ms without (113 and 599 ms of processor time; medians of seven
 * runs, each in a process of its own, Node.js 24 on two cores of x64); compiling them takes another 300 ms.
 *
 * @returns undefined for a file that needs the complete parser
 */
export function readPlainYaml(file: string, text: string): YamlFile | undefined {
  try {
    const lines = splitLines(text);
    const documents = new PlainReader(text, lines).documents();
    return { source: sourceOf(file, lines), documents, problems: [] };
  } catch (error) {
    if (error instanceof NotPlain) return undefined;
    throw error;
  }
}

class NotPlain extends Error {}
const NOT_PLAIN = new NotPlain();
const giveUp = (): never => {
  throw NOT_PLAIN;
};

interface Line {
  /** Offsets of its first character that is not a space, and of its end. */
  readonly start: number;
  readonly end: number;
  readonly indent: number;
}

function splitLines(text: string): Line[] {
  if (/[\t\r\u0085\u2028\u2029\ufeff]/.test(text)) giveUp();
  const lines: Line[] = [];
  for (let from = 0; from <= text.length;) {
    let end = text.indexOf('\n', from);
    if (end < 0) end = text.length;
    let start = from;
    while (start < end && text.charCodeAt(start) === 0x20) start++;
    lines.push({ start, end, indent: start - from });
    from = end + 1;
  }
  return lines;
}

/** Every document of a file asks for places, so a file of thousands must not be gone through for each. */
function sourceOf(file: string, lines: readonly Line[]): Source {
  const place = (offset: number) => {
    let [first, end] = [0, lines.length];
    while (end - first > 1) {
      const middle = (first + end) >>> 1;
      if (beginOf(lines[middle]!) <= offset) first = middle;
      else end = middle;
    }
    return { line: first + 1, column: offset - beginOf(lines[first]!) + 1 };
  };
  return { file, place };
}

const beginOf = ({ start, indent }: Line): number => start - indent;

/** `key:` at the start of a line: letters, and what Sigma's field names and modifiers need. */
const KEY = /([A-Za-z_][\w|.-]*):(?=[ \n]|$)/y;
const SAFE_START = /[A-Za-z0-9\\/<.(+^_$;]/;

/** Far below what the complete parser allows, so that this one never has to count as exactly. */
const PLAIN_DEPTH = 16;

class PlainReader {
  readonly #text: string;
  readonly #lines: readonly Line[];
  #at = 0;
  #depth = 0;

  constructor(text: string, lines: readonly Line[]) {
    this.#text = text;
    this.#lines = lines;
  }

  documents(): Node[] {
    const found: Node[] = [];
    let open = false;
    for (;;) {
      const line = this.#peek();
      if (line === undefined) break;
      if (line.indent === 0 && this.#text.startsWith('---', line.start)) {
        if (this.#text.slice(line.start, line.end).trimEnd() !== '---') giveUp();
        this.#at++;
        open = false;
        continue;
      }
      // A second value without a marker between them is a fault, and a value that is no map is rare.
      if (open || line.indent !== 0 || this.#text[line.start] === '-') giveUp();
      found.push(this.#map(line.indent, ''));
      open = true;
    }
    return found;
  }

  /** The next line with content. */
  #peek(): Line | undefined {
    for (; this.#at < this.#lines.length; this.#at++) {
      const line = this.#lines[this.#at]!;
      if (line.start < line.end && this.#text.charCodeAt(line.start) !== 0x23) return line;
    }
    return undefined;
  }

  #isMarker(line: Line): boolean {
    return line.indent === 0 && (this.#text.startsWith('---', line.start) || this.#text.startsWith('...', line.start));
  }

  #block(parent: number, path: string, emptyAt: number, listMayAlign: boolean): Node {
    const line = this.#peek();
    if (line === undefined || this.#isMarker(line)) return scalar(null, '', 'PLAIN', path, emptyAt);
    const isList = this.#isItem(line.start, line.end);
    if (line.indent > parent || (listMayAlign && isList && line.indent === parent)) {
      if (++this.#depth > PLAIN_DEPTH) giveUp();
      const node = isList ? this.#list(line.indent, path) : this.#map(line.indent, path);
      this.#depth--;
      return node;
    }
    return scalar(null, '', 'PLAIN', path, emptyAt);
  }

  #isItem(start: number, end: number): boolean {
    return this.#text.charCodeAt(start) === 0x2d && (start + 1 === end || this.#text.charCodeAt(start + 1) === 0x20);
  }

  /** @param first where the first key stands, for a map that begins behind a dash */
  #map(indent: number, path: string, first?: number): Node {
    const entries: Entry[] = [];
    const keys = new Set<string>();
    let offset = -1;
    for (let line = this.#peek(); line !== undefined; line = this.#peek()) {
      const behindDash = offset < 0 ? first : undefined;
      const start = behindDash ?? line.start;
      if (behindDash === undefined && (line.indent < indent || this.#isMarker(line))) break;
      if (behindDash === undefined && line.indent > indent) giveUp();
      if (this.#isItem(start, line.end)) break;
      if (offset < 0) offset = start;
      entries.push(this.#entry(line, start, indent, path, keys));
    }
    if (entries.length === 0) giveUp();
    return { kind: 'map', path, offset, entries };
  }

  #entry(line: Line, start: number, indent: number, path: string, others: Set<string>): Entry {
    const text = this.#text;
    let key: string;
    let after: number;
    if (text.charCodeAt(start) === 0x27) {
      const close = text.indexOf("'", start + 1);
      if (close < 0 || close >= line.end || text[close + 1] !== ':') giveUp();
      key = text.slice(start + 1, close);
      after = close + 2;
      if (after < line.end && text[after] !== ' ') giveUp();
    } else {
      KEY.lastIndex = start;
      const found = KEY.exec(text);
      if (found === null) return giveUp();
      key = found[1]!;
      after = start + found[0].length;
      if (/^(?:true|false|null)$/i.test(key)) giveUp();
    }
    if (others.has(key)) giveUp();
    others.add(key);
    const inner = path === '' ? key : `${path}.${key}`;
    return { key, keyOffset: start, value: this.#value(line, after, indent, inner, true) };
  }

  /** Reads the value after `key:` or `-`, on the same line or below. */
  #value(line: Line, after: number, indent: number, path: string, listMayAlign: boolean): Node {
    let start = after;
    while (start < line.end && this.#text.charCodeAt(start) === 0x20) start++;
    if (start === line.end || (this.#text.charCodeAt(start) === 0x23 && start > after)) {
      this.#at++;
      return this.#block(indent, path, after, listMayAlign);
    }
    const c = this.#text[start]!;
    if (c === '|') return this.#literal(line, start, indent, path);
    const node = this.#scalar(line, start, path);
    this.#at++;
    this.#refuseContinuation(indent);
    return node;
  }

  /** A deeper line after a scalar would go on with it. */
  #refuseContinuation(indent: number): void {
    const next = this.#peek();
    if (next !== undefined && next.indent > indent) giveUp();
  }

  #scalar(line: Line, start: number, path: string): Node {
    const c = this.#text[start]!;
    if (c === "'") return this.#quoted(line, start, path);
    if (c === '"') return this.#doubleQuoted(line, start, path);
    if (!SAFE_START.test(c)) return giveUp();
    let text = this.#text.slice(start, line.end);
    const comment = text.indexOf(' #');
    if (comment >= 0) text = text.slice(0, comment);
    text = text.trimEnd();
    if (text.includes(': ') || text.endsWith(':')) giveUp();
    return scalar(resolve(text), text, 'PLAIN', path, start);
  }

  #quoted(line: Line, start: number, path: string): Node {
    const text = this.#text;
    let close = start + 1;
    for (;;) {
      close = text.indexOf("'", close);
      if (close < 0 || close >= line.end) giveUp();
      if (text.charCodeAt(close + 1) !== 0x27) break;
      close += 2;
    }
    this.#onlyComment(close + 1, line.end);
    return scalar(text.slice(start + 1, close).replaceAll("''", "'"), undefined, 'QUOTE_SINGLE', path, start);
  }

  #doubleQuoted(line: Line, start: number, path: string): Node {
    const text = this.#text;
    const close = text.indexOf('"', start + 1);
    // Escapes are for the complete parser.
    if (close < 0 || close >= line.end || text.slice(start, close).includes('\\')) giveUp();
    this.#onlyComment(close + 1, line.end);
    return scalar(text.slice(start + 1, close), undefined, 'QUOTE_DOUBLE', path, start);
  }

  #onlyComment(from: number, end: number): void {
    let at = from;
    while (at < end && this.#text.charCodeAt(at) === 0x20) at++;
    if (at < end && (at === from || this.#text.charCodeAt(at) !== 0x23)) giveUp();
  }

  /** `|` and `|-`: the lines below as they are, without their common indent. */
  #literal(line: Line, start: number, indent: number, path: string): Node {
    const header = this.#text.slice(start, line.end).trimEnd();
    if (header !== '|' && header !== '|-') return giveUp();
    const out: string[] = [];
    let own: number | undefined;
    let at = this.#at + 1;
    for (; at < this.#lines.length; at++) {
      const { start: from, end, indent: depth } = this.#lines[at]!;
      if (from === end) {
        // Spaces alone can belong to the text or not; only truly empty lines are clear.
        if (depth > 0) giveUp();
        out.push('');
        continue;
      }
      own ??= depth;
      if (depth <= indent) break;
      if (depth < own) giveUp();
      out.push(this.#text.slice(from - (depth - own), end));
    }
    if (own === undefined || own <= indent || out[0] === '') giveUp();
    while (out.at(-1) === '') out.pop();
    this.#at = at;
    return scalar(out.join('\n') + (header === '|' ? '\n' : ''), undefined, 'BLOCK_LITERAL', path, start);
  }

  #list(indent: number, path: string): Node {
    const items: Node[] = [];
    let offset = -1;
    for (let line = this.#peek(); line !== undefined; line = this.#peek()) {
      if (line.indent < indent || this.#isMarker(line)) break;
      if (line.indent > indent) giveUp();
      if (!this.#isItem(line.start, line.end)) break;
      if (offset < 0) offset = line.start;
      items.push(this.#item(line, indent, `${path}[${items.length}]`));
    }
    return { kind: 'list', path, offset, items };
  }

  #item(line: Line, indent: number, path: string): Node {
    let start = line.start + 1;
    while (start < line.end && this.#text.charCodeAt(start) === 0x20) start++;
    if (start < line.end && (this.#isItem(start, line.end) || this.#text[start] === '#')) giveUp();
    KEY.lastIndex = start;
    const quotedKey = this.#text[start] === "'" && /^'[^']*':(?: |$)/.test(this.#text.slice(start, line.end));
    if (start < line.end && (quotedKey || KEY.test(this.#text)))
      return this.#map(indent + start - line.start, path, start);
    return this.#value(line, line.start + 1, indent, path, false);
  }
}

/** The core schema of YAML 1.2 for a plain scalar. */
function resolve(text: string): string | number | boolean | null {
  if (/^(?:~|null|Null|NULL)$/.test(text)) return null;
  if (/^(?:true|True|TRUE)$/.test(text)) return true;
  if (/^(?:false|False|FALSE)$/.test(text)) return false;
  if (!/^[-+.0-9]/.test(text)) return text;
  if (/^[-+]?[0-9]+$/.test(text)) return Number(text);
  if (/^0o[0-7]+$/.test(text) || /^0x[0-9a-fA-F]+$/.test(text)) return Number(text);
  if (/^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(text)) return Number(text);
  return /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/.test(text) ? giveUp() : text;
}
