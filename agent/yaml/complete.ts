import {
  Composer,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Alias,
  type Document,
  type Node as YamlNode,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import type { Problem } from '../problem.ts';
import { MAX_DEPTH, MAX_NODES } from './limits.ts';
import type { Entry, MapNode, Node, Source, YamlFile } from './node.ts';
import { scalar } from './scalar.ts';
import { findUnread, parseTokens } from './syntax.ts';

/**
 * Reads YAML 1.2 with anchors, aliases and merge keys, and without tags: whatever would silently become something else than it
 * looks like is a problem. A document that has one is left out; the others are still read. It is the
 * reference for the fast reader, and what that one falls back to.
 */
export function readCompleteYaml(file: string, text: string): YamlFile {
  const lines = new LineCounter();
  const source: Source = {
    file,
    place: (offset) => {
      const { line, col } = lines.linePos(offset);
      return { line: Math.max(line, 1), column: Math.max(col, 1) };
    },
  };
  const problems: Problem[] = [];
  const fault = (offset: number, message: string, path = ''): void => {
    problems.push({ file, ...source.place(offset), path, message });
  };
  const documents: Node[] = [];
  for (const document of withoutStacks(() => [...compose(text, lines, fault)])) {
    const [error] = [...document.errors, ...document.warnings];
    if (error !== undefined) {
      fault(error.pos[0], `not valid YAML: ${error.message}`);
      continue;
    }
    // Nothing after a `---` is nothing.
    if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) continue;
    try {
      documents.push(new Converter(document).convert(document.contents, '', 0));
    } catch (error_) {
      if (!(error_ instanceof ConversionError)) throw error_;
      fault(error_.offset, error_.message, error_.path);
    }
  }
  return { source, documents, problems };
}

/**
 * The parser makes an error of each fault, of which one is told. A file of commas has a million: with the stack of each, that takes
 * five times as long.
 */
function withoutStacks<T>(work: () => T): T {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = before;
  }
}

/** The documents of a file, without those that hold what is not read. */
function* compose(
  text: string,
  lines: LineCounter,
  fault: (offset: number, message: string) => void,
): Generator<Document.Parsed> {
  // Keys are compared below, in linear time.
  const composer = new Composer({ version: '1.2', prettyErrors: false, uniqueKeys: false });
  let hasDirective = false;
  const tokens = parseTokens(text, lines.addNewLine);
  let next = tokens.next();
  for (; next.done !== true; next = tokens.next()) {
    const token = next.value;
    const unread = findUnread(token);
    if (unread !== undefined) {
      // One of them says enough.
      if (token.type !== 'directive' || !hasDirective) fault(unread.offset, unread.message);
      hasDirective ||= token.type === 'directive';
    } else yield* composer.next(token);
  }
  yield* composer.end(false, text.length);
  if (next.value !== undefined) fault(next.value.offset, next.value.message);
}

class ConversionError extends Error {
  readonly offset: number;
  readonly path: string;
  constructor(message: string, offset: number, path: string) {
    super(message);
    this.offset = offset;
    this.path = path;
  }
}

class Converter {
  #left = MAX_NODES;
  readonly #targets: ReadonlyMap<Alias, YamlNode>;
  readonly #unused: ReadonlySet<YamlNode>;
  readonly #open = new Set<YamlNode>();

  constructor(document: Document.Parsed) {
    const { targets, unused } = resolveAliases(document.contents as YamlNode);
    this.#targets = targets;
    this.#unused = unused;
  }

  convert(node: YamlNode | null | undefined, path: string, depth: number): Node {
    const offset = node?.range?.[0] ?? 0;
    if (--this.#left < 0)
      throw new ConversionError(`more than ${MAX_NODES} values, those that aliases stand for among them`, offset, path);
    if (depth > MAX_DEPTH) throw new ConversionError(`nested too deeply: more than ${MAX_DEPTH} levels`, offset, path);
    if (isAlias(node)) return this.#alias(node, path, depth);
    if (isScalar(node)) return this.#scalar(node, path, offset);
    if (isMap(node)) return this.#inside(node, offset, path, () => this.#map(node, path, offset, depth));
    if (isSeq<YamlNode>(node))
      return this.#inside(node, offset, path, () => ({
        kind: 'list',
        path,
        offset,
        items: node.items.map((item, i) => this.convert(item, `${path}[${i}]`, depth + 1)),
      }));
    return scalar(null, '', 'PLAIN', path, offset);
  }

  #scalar(node: Scalar, path: string, offset: number): Node {
    if (this.#unused.has(node)) {
      const name = `"&${node.anchor}"`;
      throw new ConversionError(
        `the anchor ${name} has no alias; a text that begins with "&" needs quotation marks`,
        offset,
        path,
      );
    }
    return scalar(node.value, node.source, node.type, path, offset);
  }

  #alias(node: Alias, path: string, depth: number): Node {
    const offset = node.range?.[0] ?? 0;
    const target = this.#targets.get(node);
    if (target === undefined) {
      throw new ConversionError(
        `"*${node.source}" is an alias, and no anchor of that name stands before it; a text that begins with "*" needs quotation marks`,
        offset,
        path,
      );
    }
    return this.convert(target, path, depth + 1);
  }

  /** Refuses a value that holds itself. */
  #inside(node: YamlNode, offset: number, path: string, read: () => Node): Node {
    if (this.#open.has(node)) throw new ConversionError('an alias stands for what it is a part of', offset, path);
    this.#open.add(node);
    const found = read();
    this.#open.delete(node);
    return found;
  }

  #map({ items }: YAMLMap, path: string, offset: number, depth: number): MapNode {
    const entries = new Map<string, Entry>();
    const merged: YamlNode[] = [];
    for (const { key, value } of items as readonly { key: YamlNode; value: YamlNode | null }[]) {
      const keyOffset = key?.range?.[0] ?? offset;
      const name = keyOf(key);
      if (name === undefined) throw new ConversionError('a key must be a plain value', keyOffset, path);
      if (isMerge(key)) {
        if (value !== null) merged.push(value);
        continue;
      }
      if (entries.has(name)) throw new ConversionError(`the key "${name}" stands here twice`, keyOffset, path);
      entries.set(name, {
        key: name,
        keyOffset,
        value: this.convert(value, path === '' ? name : `${path}.${name}`, depth + 1),
      });
    }
    for (const value of merged) this.#merge(value, entries, path, depth);
    return { kind: 'map', path, offset, entries: [...entries.values()] };
  }

  /** `<<`: the keys of other maps, for those that the map does not have itself. Of several maps the first counts. */
  #merge(value: YamlNode, entries: Map<string, Entry>, path: string, depth: number): void {
    const offset = value.range?.[0] ?? 0;
    const target = isAlias(value) ? this.#targets.get(value) : value;
    for (const map of isSeq<YamlNode>(target) ? target.items : [value]) {
      const found = this.convert(map, path, depth + 1);
      if (found.kind !== 'map')
        throw new ConversionError('the merge key "<<" needs a map, or a list of maps', offset, path);
      for (const entry of found.entries) if (!entries.has(entry.key)) entries.set(entry.key, entry);
    }
  }
}

/** A plain key as it is written, so that `1.10` stays that; undefined for one that is no plain value. */
function keyOf(key: YamlNode | null): string | undefined {
  if (!isScalar(key) || key.anchor !== undefined) return undefined;
  const name = key.type === 'PLAIN' ? key.source : String(key.value);
  return name === '' && key.type === 'PLAIN' ? undefined : name;
}

const isMerge = (key: YamlNode): boolean => isScalar(key) && key.type === 'PLAIN' && key.source === '<<';

/**
 * Finds what each alias stands for: the last anchor of its name before it (YAML 1.2.2, section 7.1).
 * @returns also the scalars that have an anchor which no alias uses
 */
function resolveAliases(root: YamlNode): { targets: ReadonlyMap<Alias, YamlNode>; unused: ReadonlySet<YamlNode> } {
  const anchors = new Map<string, YamlNode>();
  const targets = new Map<Alias, YamlNode>();
  const unused = new Set<YamlNode>();
  const visit = (node: YamlNode | null | undefined): void => {
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target === undefined) return;
      targets.set(node, target);
      unused.delete(target);
      return;
    }
    if (node?.anchor !== undefined && (isScalar(node) || isMap(node) || isSeq(node))) {
      anchors.set(node.anchor, node);
      if (isScalar(node)) unused.add(node);
    }
    if (isMap(node)) {
      for (const { key, value } of node.items as readonly { key: YamlNode; value: YamlNode | null }[]) {
        visit(key);
        visit(value);
      }
    } else if (isSeq<YamlNode>(node)) node.items.forEach(visit);
  };
  visit(root);
  return { targets, unused };
}
