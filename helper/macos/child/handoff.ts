import { HelperError } from '../../errors.ts';

/** The facts that the watching process passes to the forwarding one; the descriptors have fixed numbers. */
export interface ChildHandoff {
  readonly source: 'dtrace' | 'eslogger';
  /** Hash of the script that dtrace runs, or of eslogger itself if that is the source. */
  readonly sha256: string;
  readonly limits: readonly string[];
  /** The variables to tell; none with dtrace. */
  readonly env: readonly string[];
  readonly backlogBytes: number;
  /** Its user and group. */
  readonly uid: number;
  readonly gid: number;
  /** The group that may read the pipe. */
  readonly group: number;
}

/** Descriptors of the forwarding process, after the three standard ones. `life` ends when the watching process does. */
export const DESCRIPTORS = { listener: 3, output: 4, errors: 5, again: 6, life: 7 } as const;

const SOURCES = ['dtrace', 'eslogger'];

/** Reads the facts that the watching process passed. They come from ourselves, but anyone can type the command. */
export function parseChildHandoff(text: string | undefined): ChildHandoff {
  try {
    const value = JSON.parse(text ?? '') as ChildHandoff;
    const numbers = [value.backlogBytes, value.uid, value.gid, value.group];
    const isWhole = numbers.every((number) => Number.isSafeInteger(number) && number >= 0);
    if (
      !isWhole ||
      !SOURCES.includes(value.source) ||
      !/^[0-9a-f]{64}$/.test(value.sha256) ||
      !Array.isArray(value.limits) ||
      !Array.isArray(value.env) ||
      !value.env.every((name) => typeof name === 'string')
    )
      throw new TypeError('a field is missing');
    return value;
  } catch (cause) {
    throw new HelperError('HELPER_HANDOFF', '"forward" is the second half of "run"; only "run" can start it.', {
      cause,
    });
  }
}
