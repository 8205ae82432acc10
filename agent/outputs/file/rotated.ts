import { readdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

/**
 * The numbers of the files that a rotating file has become: PATH.1 is the newest. Numbers can be missing: an agent that is killed
 * while it rotates leaves a hole, and anybody may take a file away.
 * @returns the lowest first
 */
export async function rotatedNumbers(path: string): Promise<number[]> {
  const prefix = `${basename(path)}.`;
  return (await readdir(dirname(path)))
    .flatMap((name) => (name.startsWith(prefix) ? (numberOf(name.slice(prefix.length)) ?? []) : []))
    .toSorted((a, b) => a - b);
}

/** The path of the file that gets this name when it rotates; undefined for a name that no rotation gives. */
export function rotatedFrom(path: string): string | undefined {
  const dot = path.lastIndexOf('.');
  return dot === -1 || numberOf(path.slice(dot + 1)) === undefined ? undefined : path.slice(0, dot);
}

/** The number that a rotated file is named by, as we write it: `07` is somebody else's. */
function numberOf(suffix: string): number | undefined {
  return /^[1-9]\d{0,3}$/.test(suffix) ? Number(suffix) : undefined;
}
