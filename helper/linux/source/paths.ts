/**
 * Turns a record's components (leaf first, each with a NUL) into a path.
 * @param whole false when the walk ended before the root: the path then begins with a component
 */
export function pathOf(components: Buffer, whole: boolean): Buffer {
  const names = components.toString('latin1').split('\0').reverse();
  if (!whole) names.shift();
  return Buffer.from(names.join('/') || (whole ? '/' : ''), 'latin1');
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
