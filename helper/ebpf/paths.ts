import { isUtf8 } from 'node:buffer';
import { PATH_CACHE_ENTRIES } from '../limits.ts';

/** A path ready for an event: its JSON, and the bytes if they were not UTF-8. */
export interface PathText {
  readonly json: string;
  readonly raw: Buffer | undefined;
}

/**
 * Turns a record's components (leaf first, each with a NUL) into a path. The same
 * few paths come again and again, so their text is kept, up to a bound.
 */
export class Paths {
  readonly #known = new Map<string, PathText>();

  /** @param whole false when the walk ended before the root: the path then begins with a component */
  absolute(bytes: Buffer, start: number, length: number, whole: boolean): PathText {
    const key = bytes.toString('latin1', start, start + length);
    const known = this.#known.get(key);
    if (known !== undefined && whole) return known;
    const text = makePath(Buffer.from(key, 'latin1'), whole);
    if (!whole) return text;
    if (this.#known.size >= PATH_CACHE_ENTRIES) this.#known.clear();
    this.#known.set(key, text);
    return text;
  }
}

function makePath(components: Buffer, whole: boolean): PathText {
  const path = components.toString('latin1').split('\0').reverse();
  if (!whole) path.shift();
  const bytes = Buffer.from(path.join('/') || (whole ? '/' : ''), 'latin1');
  return { json: JSON.stringify(bytes.toString('utf8')), raw: isUtf8(bytes) ? undefined : bytes };
}

/**
 * The id in a cgroup path as container engines spell it: 64 hexadecimal digits, bare or between a prefix and `.scope`.
 * Not that of conmon, which stands beside its container, on the host.
 */
const CONTAINER_ID = /(?:^|[:-])(?<!conmon-)([0-9a-f]{64})(?:\.scope)?$/;

/** The innermost container's id, if the cgroup belongs to one. */
export function containerId(cgroup: string): string | undefined {
  for (const component of cgroup.split('/').reverse()) {
    const found = CONTAINER_ID.exec(component);
    if (found !== null) return found[1];
  }
  return undefined;
}
