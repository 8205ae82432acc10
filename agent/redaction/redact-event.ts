import type { StreamEvent } from '../events/item.ts';
import { Finder, type Patterns } from './finder.ts';
import { REDACTED } from './in-text.ts';
import { secrecyOf } from './names.ts';
import { baseName } from './tools.ts';

/** An event of any type, as JSON has it. */
type Fields = Readonly<Record<string, unknown>>;

/** An event in which something was redacted. */
export interface Redacted {
  readonly event: StreamEvent;
  /** Names of the patterns, each once. */
  readonly patterns: ReadonlySet<string>;
}

/** Text that is no secret whatever stands in it: words of the protocol, numbers as text, and what the configuration says. */
const FIXED_TEXT: ReadonlySet<string> = new Set(['type', 'time', 'source', 'error', 'flags', 'entity_id', 'container_id', 'command_source', 'user_sid', 'logon_id', 'integrity_level', 'raw', 'redacted']); // prettier-ignore

/** Fields that map the name of a variable to its value, or to several. */
const VARIABLES: ReadonlySet<string> = new Set(['env', 'env_repeated']);

/**
 * Redacts the secrets of an event.
 * @param steps what searching may take; what cannot be searched with them is redacted as a whole
 * @returns another event, or undefined where there is nothing to redact
 */
export function redactEvent(event: StreamEvent, patterns: Patterns, steps: number): Redacted | undefined {
  const finder = new Finder(patterns, steps);
  const fields = event as unknown as Fields;
  const out: Record<string, unknown> = { ...fields };
  /** Paths of the fields that changed, as `raw` names them. */
  const changed = new Set<string>();
  const argv = isTexts(fields['argv']) ? fields['argv'] : [];
  const image = namesOf(fields, argv);
  const changedArguments = finder.inArguments(argv, image);
  const newArgv = argv.map((text, i) => changedArguments.get(i) ?? text);
  if (changedArguments.size > 0) out['argv'] = newArgv;
  for (const [key, value] of Object.entries(fields)) {
    if (key === 'argv' || FIXED_TEXT.has(key)) continue;
    const fresh =
      key === 'command' && typeof value === 'string'
        ? inCommand(finder, value, fields, image, argv, newArgv)
        : key === 'command_line' && typeof value === 'string'
          ? finder.repeated(finder.inCommandLine(value, image))
          : inField(finder, key, value);
    if (fresh === value) continue;
    out[key] = fresh;
    changed.add(key);
    if (key === 'parent') changed.add('parent.exe');
    if (VARIABLES.has(key)) for (const path of changedIn(key, value as Fields, fresh as Fields)) changed.add(path);
  }
  if (changedArguments.size === 0 && changed.size === 0) return undefined;
  const raw = withoutBytes(fields['raw'], changed, changedArguments, argv.length);
  if (raw === undefined) delete out['raw'];
  else out['raw'] = raw;
  return { event: { ...out, redacted: true } as unknown as StreamEvent, patterns: finder.found };
}

/** The event without its command lines, and without whatever else has parts: where searching failed for a defect. */
export function withholdTexts(event: StreamEvent): StreamEvent {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(event as unknown as Fields)) {
    if (key === 'command' || key === 'command_line') out[key] = REDACTED;
    else if (key === 'argv' && Array.isArray(value)) out[key] = value.map(() => REDACTED);
    else if (key === 'rules' && Array.isArray(value))
      out[key] = (value as Fields[]).map(({ id, title, level, author, tags }) => ({ id, title, level, author, tags }));
    else if (typeof value !== 'object' && (typeof value !== 'string' || FIXED_TEXT.has(key))) out[key] = value;
  }
  return { ...out, redacted: true } as unknown as StreamEvent;
}

/** Base names of the image and of `argv[0]`. */
function namesOf({ exe }: Fields, argv: readonly string[]): string[] {
  const paths = [exe, argv[0]].filter((path) => typeof path === 'string');
  return [...new Set(paths.map(baseName))];
}

/**
 * `command` is a path, then the last arguments, joined: what changes in those changes in it. Where it is made in another way (an exec that failed, arguments
 * that were cut), it is searched as a command line, and for what was found in the arguments.
 */
function inCommand(
  finder: Finder,
  command: string,
  { filename, exe }: Fields,
  image: readonly string[],
  argv: readonly string[],
  fresh: readonly string[],
): string {
  const path = [filename, exe].find(
    (head): head is string => typeof head === 'string' && (command === head || command.startsWith(`${head} `)),
  );
  if (path !== undefined) {
    const head = finder.inValue(path);
    if (command === path) return head;
    const rest = command.slice(path.length + 1);
    let length = -1;
    for (let first = argv.length - 1; first > 0 && length < rest.length; first--) {
      length += argv[first]!.length + 1;
      if (length === rest.length && argv.slice(first).join(' ') === rest)
        return `${head} ${fresh.slice(first).join(' ')}`;
    }
  }
  return finder.repeated(finder.inCommandLine(command, image));
}

/** Fields besides the process's own command line, at any depth. */
function inField(finder: Finder, key: string, value: unknown): unknown {
  if (typeof value === 'string') return isCommandLine(key) ? finder.inCommandLine(value) : finder.inValue(value);
  if (Array.isArray(value)) return inList(value, (item) => inField(finder, key, item));
  if (typeof value !== 'object' || value === null) return value;
  if (VARIABLES.has(key))
    return inMap(value as Fields, (name, inner) =>
      Array.isArray(inner) ? inList(inner, (text) => inVariable(finder, name, text)) : inVariable(finder, name, inner),
    );
  // Of a container, only what people chose; the rest is made by engines.
  if (key === 'container')
    return inMap(value as Fields, (name, inner) =>
      name === 'name' || name === 'image' ? inField(finder, name, inner) : inner,
    );
  // Of a rule, only what its correlation took from events; the rest is the rule's own.
  if (key === 'rules')
    return inMap(value as Fields, (name, inner) => (name === 'group' ? inField(finder, name, inner) : inner));
  return inMap(value as Fields, (name, inner) =>
    FIXED_TEXT.has(name) ? inner : inField(finder, key === 'group' ? key : name, inner),
  );
}

const isCommandLine = (key: string): boolean =>
  key === 'command_line' || key === 'command' || key === 'group' || key === 'env';

/** Paths of the values that differ, as `raw` names them: `env.NAME`, `env_repeated.NAME[0]`. */
function changedIn(key: string, before: Fields, after: Fields): string[] {
  return Object.entries(before).flatMap(([name, value]) => {
    const fresh = after[name];
    if (!Array.isArray(value)) return fresh === value ? [] : [`${key}.${name}`];
    return value.flatMap((text, i) => (text === (fresh as unknown[])[i] ? [] : [`${key}.${name}[${i}]`]));
  });
}

function inVariable(finder: Finder, name: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const secrecy = secrecyOf(name);
  if (secrecy === 'secret' || (secrecy !== undefined && !value.startsWith('/'))) return finder.named(value, name);
  return finder.inCommandLine(value);
}

/** The same list when nothing in it changes. */
function inList(list: readonly unknown[], change: (item: unknown) => unknown): readonly unknown[] {
  const out = list.map(change);
  return out.some((item, i) => item !== list[i]) ? out : list;
}

function inMap(map: Fields, change: (name: string, value: unknown) => unknown): Fields {
  const out = Object.entries(map).map(([name, value]) => [name, change(name, value)] as const);
  return out.some(([name, value]) => value !== map[name]) ? Object.fromEntries(out) : map;
}

/** `raw` without the bytes of what was redacted. An entry of all arguments keeps those of the others. */
function withoutBytes(
  raw: unknown,
  changed: ReadonlySet<string>,
  changedArguments: ReadonlyMap<number, string>,
  count: number,
): Fields | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const kept = Object.entries(raw as Fields).flatMap(([path, bytes]): [string, unknown][] => {
    if (path === 'argv' && changedArguments.size > 0) {
      const fresh = withoutArguments(String(bytes), changedArguments, count);
      return fresh === undefined ? [] : [[path, fresh]];
    }
    const [, index] = /^argv\[([0-9]+)\]$/.exec(path) ?? [];
    const isGone = index === undefined ? changed.has(path) : changedArguments.has(Number(index));
    return isGone ? [] : [[path, bytes]];
  });
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** Arguments as bytes, each followed by a NUL, in base64. Undefined when they are not as many as `argv` has. */
function withoutArguments(base64: string, changed: ReadonlyMap<number, string>, count: number): string | undefined {
  const parts = Buffer.from(base64, 'base64').toString('latin1').split('\0');
  if (parts.length !== count + 1 || parts.at(-1) !== '') return undefined;
  for (const [i, text] of changed) parts[i] = Buffer.from(text).toString('latin1');
  return Buffer.from(parts.join('\0'), 'latin1').toString('base64');
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
