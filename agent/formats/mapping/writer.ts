import type { Row, Value } from './row.ts';
import { KINDS, type Kind, type Origin, type Subject } from './subject.ts';

/** Writes `"name":value`, or nothing. */
type Write = (subject: Subject) => string;

/** Writes a whole event of one kind as a JSON object. */
export type Writer = (subject: Subject) => string;

type Tree = Map<string, Tree | Row>;

/**
 * The rows of a mapping as functions that write JSON text straight from an event, without making objects: one for each kind.
 * Fields come in the order of the rows; empty objects are left out.
 * @throws where two rows of a kind have one path, or a path leads through a value
 */
export function compile(rows: readonly Row[]): Readonly<Record<Kind, Writer>> {
  return Object.fromEntries(KINDS.map((kind) => [kind, compileKind(rows, kind)])) as Record<Kind, Writer>;
}

function compileKind(rows: readonly Row[], kind: Kind): Writer {
  const tree: Tree = new Map();
  for (const row of rows) if (row.kinds.includes(kind)) place(tree, row, kind);
  const body = members(tree);
  return (subject) => `{${body(subject)}}`;
}

function place(tree: Tree, row: Row, kind: Kind): void {
  const path = row.to.split('.');
  const name = path.pop()!;
  let at = tree;
  for (const part of path) {
    const next = at.get(part) ?? new Map<string, Tree | Row>();
    if (!(next instanceof Map)) throw new Error(`${row.to} of ${kind} leads through a value`);
    at.set(part, next);
    at = next;
  }
  if (at.has(name)) throw new Error(`two rows of ${kind} make ${row.to}`);
  at.set(name, row);
}

function members(tree: Tree): Write {
  const parts: (string | Write)[] = [];
  for (const [name, child] of tree) {
    const part = child instanceof Map ? object(name, child) : leaf(name, child);
    const before = parts.at(-1);
    if (typeof part === 'string' && typeof before === 'string') parts[parts.length - 1] = `${before},${part}`;
    else parts.push(part);
  }
  const writes = parts.map((part): Write => (typeof part === 'string' ? () => part : part));
  if (writes.length === 1) return writes[0]!;
  return (subject) => {
    let text = '';
    for (const write of writes) {
      const part = write(subject);
      if (part !== '') text = text === '' ? part : `${text},${part}`;
    }
    return text;
  };
}

/** A string where it is the same for all events. */
function object(name: string, tree: Tree): string | Write {
  const isList = name.endsWith('[]');
  const open = `${JSON.stringify(isList ? name.slice(0, -2) : name)}:${isList ? '[{' : '{'}`;
  const close = isList ? '}]' : '}';
  const body = members(tree);
  if (isConstant(tree)) return open + body(undefined as never) + close;
  return (subject) => {
    const text = body(subject);
    return text === '' ? '' : open + text + close;
  };
}

function isConstant(tree: Tree): boolean {
  return [...tree.values()].every((child) => (child instanceof Map ? isConstant(child) : child.constant !== undefined));
}

function leaf(name: string, { constant, origin, value, json }: Row): string | Write {
  const key = `${JSON.stringify(name)}:`;
  if (constant !== undefined) return key + jsonOf(constant);
  if (origin !== undefined) return onceAnOrigin((from) => member(key, origin(from)));
  if (value !== undefined) return (subject) => member(key, value(subject));
  return (subject) => {
    const text = json!(subject);
    return text === undefined ? '' : key + text;
  };
}

/** Events come in long runs of one origin. */
function onceAnOrigin(write: (origin: Origin) => string): Write {
  let last: Origin | undefined;
  let text = '';
  return ({ origin }) => {
    if (origin !== last) {
      text = write(origin);
      last = origin;
    }
    return text;
  };
}

function member(key: string, value: Value): string {
  return value === undefined ? '' : key + jsonOf(value);
}

function jsonOf(value: Exclude<Value, undefined>): string {
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}
