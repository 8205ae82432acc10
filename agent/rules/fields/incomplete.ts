import path from 'node:path';
import type { ExecEvent } from '../../../shared/events/exec.ts';

/**
 * Paths whose beginning is missing. The helper marks one with a flag, and gives what it knows of it: the end, which begins with a component
 * instead of `/` (docs/protocol.md, flags). Nothing else knows of the marks.
 */
const MARKS = {
  exe_truncated: ['Image', 'exe'],
  parent_exe_truncated: ['ParentImage', 'parent.exe'],
  cwd_truncated: ['CurrentDirectory', 'cwd'],
  cgroup_truncated: ['cgroup'],
} as const;
type Mark = keyof typeof MARKS;
const ALL = Object.keys(MARKS) as Mark[];

const has = ({ flags }: ExecEvent, mark: Mark): boolean => flags?.includes(mark) === true;

/** The image that runs, as whole as it is known; where the system did not tell, the path that was asked for. */
export function imageOf(event: ExecEvent): string | undefined {
  if (event.exe === undefined || event.flags === undefined || !has(event, 'exe_truncated'))
    return event.exe ?? event.filename;
  return askedFor(event) ?? event.exe;
}

/**
 * Names of the fields, Sigma's and our own, of which an event has the end alone.
 * @returns undefined for nearly every event: all of its paths are whole
 */
export function incompleteFields(event: ExecEvent): ReadonlySet<string> | undefined {
  if (event.flags === undefined || event.type !== 'exec') return undefined;
  const marks = ALL.filter((mark) => has(event, mark));
  if (marks.length === 0) return undefined;
  const fields = new Set<string>(marks.flatMap((mark) => MARKS[mark]));
  if (fields.has('Image') && askedFor(event) !== undefined) fields.delete('Image');
  return fields.size === 0 ? undefined : fields;
}

/**
 * The path that the program was asked for by, made absolute, when it ends with all that is known of the image: then nothing
 * but a link above that could make it another path than the image's. A script's path does not.
 */
function askedFor(event: ExecEvent): string | undefined {
  const { exe, filename, cwd } = event;
  if (exe === undefined || filename === undefined) return undefined;
  const isKnown = filename.startsWith('/') || (cwd?.startsWith('/') === true && !has(event, 'cwd_truncated'));
  if (!isKnown) return undefined;
  const whole = path.posix.normalize(filename.startsWith('/') ? filename : `${cwd}/${filename}`);
  return whole.endsWith(`/${exe}`) ? whole : undefined;
}
