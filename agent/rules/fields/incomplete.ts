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
  cgroup_truncated: ['cgroup', 'container'],
} as const;
type Mark = keyof typeof MARKS;
const ALL = Object.keys(MARKS) as Mark[];

const ENVIRONMENT: readonly string[] = ['Environment', 'env', 'env_repeated'];

/**
 * Whether a field of which an event has not all can lack whole values, anywhere, rather than the beginning of one: what it has
 * then holds, and what it has not may be missing.
 */
export function canLackValues(field: string): boolean {
  return ENVIRONMENT.includes(rootOf(field));
}

/** `env` of `env.PATH`. */
const rootOf = (field: string): string => field.split('.', 1)[0]!;

/** Whether a field is among the incomplete ones, or below one. */
export function isAmong(fields: ReadonlySet<string>, field: string): boolean {
  return fields.has(field) || fields.has(rootOf(field));
}

const has = ({ flags }: ExecEvent, mark: Mark): boolean => flags?.includes(mark) === true;

/** The image that runs, as whole as it is known; where the system did not tell, the path that was asked for. */
export function imageOf(event: ExecEvent): string | undefined {
  if (event.exe === undefined || event.flags === undefined || !has(event, 'exe_truncated'))
    return event.exe ?? event.filename;
  return askedFor(event) ?? event.exe;
}

/**
 * Names of the fields, Sigma's and our own, of which an event has only the end, and of those about the environment where an event
 * has not all of it. A name stands for all below it: `env` for `env.PATH`.
 * @returns undefined for nearly every event: all that it tells is whole
 */
export function incompleteFields(event: ExecEvent): ReadonlySet<string> | undefined {
  if ((event.flags === undefined && event.env_truncated === undefined) || event.type !== 'exec') return undefined;
  const marks = ALL.filter((mark) => has(event, mark));
  const fields = new Set<string>(marks.flatMap((mark) => MARKS[mark]));
  if (event.env_truncated === true) for (const name of ENVIRONMENT) fields.add(name);
  if (fields.has('Image') && askedFor(event) !== undefined) fields.delete('Image');
  return fields.size === 0 ? undefined : fields;
}

/**
 * Returns the requested path, made absolute, if it ends with the known part of the image's path: then only a link above
 * that part could make the two paths differ. A script's path does not end so.
 */
function askedFor(event: ExecEvent): string | undefined {
  const { exe, filename, cwd } = event;
  if (exe === undefined || filename === undefined) return undefined;
  const isKnown = filename.startsWith('/') || (cwd?.startsWith('/') === true && !has(event, 'cwd_truncated'));
  if (!isKnown) return undefined;
  const whole = path.posix.normalize(filename.startsWith('/') ? filename : `${cwd}/${filename}`);
  return whole.endsWith(`/${exe}`) ? whole : undefined;
}

/** Names of the fields whose end is missing: a command line that was too long to tell whole. */
export function cutFields({ argv_truncated: isCut }: ExecEvent): ReadonlySet<string> | undefined {
  return isCut === true ? CUT : undefined;
}

const CUT: ReadonlySet<string> = new Set(['CommandLine', 'command', 'argv']);
