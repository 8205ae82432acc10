import { isAbsolute } from 'node:path';
import type { ExecEvent } from '../../shared/events/exec.ts';
import { imageOf } from '../rules/fields/incomplete.ts';

/** Flags of images whose path leads the agent to another file than the process, or to none. */
const ELSEWHERE = new Set(['memfd', 'deleted', 'chroot', 'exe_truncated']);

/** The path of an event's image, where the agent finds the same file there; undefined where it would be another, or none. */
export function imageHere(event: ExecEvent): string | undefined {
  // On Linux `exe` is a path without links, and `filename` may lead through any.
  const image = process.platform === 'linux' ? event.exe : imageOf(event);
  // The path has U+FFFD in place of some bytes; another file can have that name.
  if (event.raw?.['exe'] !== undefined) return undefined;
  const isElsewhere = event.ns?.['mnt'] !== undefined || (event.flags?.some((flag) => ELSEWHERE.has(flag)) ?? false);
  return image === undefined || isElsewhere || !isAbsolute(image) ? undefined : image;
}
