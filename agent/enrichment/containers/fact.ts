import { containerOf, type Container } from '../../containers/container.ts';
import { Generations } from '../generations.ts';
import { MAX_CGROUP_BYTES, MAX_CGROUPS } from '../limits.ts';

/** The container of a control group that an event had; without one if the group belongs to none. */
interface Known {
  readonly cgroup: string;
  readonly container: Container | undefined;
}

/** The meaning of a path never changes, so one memory serves every caller. */
const known = new Generations<string, Known>(
  { entries: MAX_CGROUPS, bytes: MAX_CGROUP_BYTES },
  // The object and its id, plus the path.
  ({ cgroup }) => 400 + 2 * cgroup.length,
);

/**
 * The container of an event's process, by its control group: the field `container` of alerts and of outputs that ask for it.
 * @returns an object that callers share, and must not change; undefined outside of containers and on systems without control groups
 */
export function containerFactOf({ cgroup }: { readonly cgroup?: string }): Container | undefined {
  if (cgroup === undefined) return undefined;
  const before = known.get(cgroup);
  if (before !== undefined) return before.container;
  const container = containerOf(cgroup);
  known.set(cgroup, { cgroup, container });
  return container;
}

/** The memory that is held, for tests of its bounds. */
export function heldContainers(): { readonly entries: number; readonly bytes: number } {
  return { entries: known.size, bytes: known.bytes };
}
