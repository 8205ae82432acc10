/**
 * Turns a record's components (leaf first, each with a NUL) into a path. Both with a character for each byte.
 * @param whole false when the walk ended before the root: the path then begins with a component
 */
export function joined(components: string, whole: boolean): string {
  const names = components.split('\0').reverse();
  if (!whole) names.shift();
  return names.join('/') || (whole ? '/' : '');
}

/**
 * The id in a cgroup path as container engines spell it: 64 hexadecimal digits, bare or between a prefix and `.scope`.
 * Not that of conmon, which stands beside its container, on the host.
 */
const CONTAINER_ID = /(?:^|[:-])(?<!conmon-)([0-9a-f]{64})(?:\.scope)?$/;

/** The innermost container's id, if the cgroup belongs to one. */
export function containerId(cgroup: string): string | undefined {
  if (cgroup.length < 64) return undefined;
  for (const component of cgroup.split('/').reverse()) {
    const found = CONTAINER_ID.exec(component);
    if (found !== null) return found[1];
  }
  return undefined;
}
