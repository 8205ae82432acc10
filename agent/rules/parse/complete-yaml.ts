import { isAlias, isMap, isScalar, LineCounter, parseAllDocuments, type Document, type Node as YamlNode } from 'yaml';
import type { Entry, ListNode, MapNode, Node, Source, YamlFile } from './node.ts';
import type { Problem } from './problem.ts';
import { scalar } from './scalar.ts';

/** More values than any honest rule file has; what is beyond it is an alias bomb or a mistake. */
const MAX_NODES = 200_000;
/** Maps and lists inside each other. */
const MAX_DEPTH = 64;

/**
 * Reads all of YAML 1.2. A document that is not well formed becomes a problem;
 * the others are still read. It is the reference for the fast reader, and what that one falls back to.
 */
export function readCompleteYaml(file: string, text: string): YamlFile {
  const lines = new LineCounter();
  const source: Source = {
    file,
    place: (offset) => {
      const { line, col } = lines.linePos(offset);
      return { line, column: col };
    },
  };
  const documents: Node[] = [];
  const problems: Problem[] = [];
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, version: '1.2' });
  for (const document of Array.isArray(parsed) ? parsed : []) {
    const [fault] = document.errors;
    if (fault !== undefined) {
      problems.push({ file, ...source.place(fault.pos[0]), path: '', message: `not valid YAML: ${fault.message}` });
      continue;
    }
    // Nothing after a `---` is nothing.
    if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) continue;
    try {
      documents.push(new Converter(document).convert(document.contents, '', 0));
    } catch (error) {
      if (!(error instanceof ConversionError)) throw error;
      problems.push({ file, ...source.place(error.offset), path: error.path, message: error.message });
    }
  }
  return { source, documents, problems };
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
  readonly #document: Document.Parsed;

  constructor(document: Document.Parsed) {
    this.#document = document;
  }

  convert(node: YamlNode | null | undefined, path: string, depth: number): Node {
    const offset = node?.range?.[0] ?? 0;
    if (--this.#left < 0) throw new ConversionError(`more than ${MAX_NODES} values`, offset, path);
    if (depth > MAX_DEPTH) throw new ConversionError(`nested deeper than ${MAX_DEPTH} levels`, offset, path);
    if (isScalar(node)) return scalar(node.value, node.source, node.type, path, offset);
    if (isMap(node)) return this.#map(node.items as never, path, offset, depth);
    if (isAlias(node)) return this.convert(node.resolve(this.#document), path, depth + 1);
    if (node === null || node === undefined) return scalar(null, '', 'PLAIN', path, offset);
    const { items } = node as unknown as { items: YamlNode[] };
    const list: ListNode = {
      kind: 'list',
      path,
      offset,
      items: items.map((item, i) => this.convert(item, `${path}[${i}]`, depth + 1)),
    };
    return list;
  }

  #map(
    items: readonly { key: YamlNode; value: YamlNode | null }[],
    path: string,
    offset: number,
    depth: number,
  ): MapNode {
    const entries: Entry[] = [];
    for (const { key, value } of items) {
      const keyOffset = key.range?.[0] ?? offset;
      if (!isScalar(key)) throw new ConversionError('a key must be a plain value', keyOffset, path);
      const name = String(key.value);
      entries.push({
        key: name,
        keyOffset,
        value: this.convert(value, path === '' ? name : `${path}.${name}`, depth + 1),
      });
    }
    return { kind: 'map', path, offset, entries };
  }
}
