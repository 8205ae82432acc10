import { HelperError } from '../../errors.ts';

/** What the forwarding process is told by the watching one; its descriptors have fixed numbers. */
export interface ChildHandoff {
  readonly source: 'dtrace' | 'eslogger';
  /** Of the script that dtrace runs; of eslogger itself where that is the source. */
  readonly sha256: string;
  readonly limits: readonly string[];
  readonly backlogBytes: number;
  /** Who it has to be. */
  readonly uid: number;
  readonly gid: number;
  /** Who may read the pipe. */
  readonly group: number;
}

/** Descriptors of the forwarding process, after the three of every process. `life` ends when the watching process does. */
export const DESCRIPTORS = { listener: 3, output: 4, errors: 5, again: 6, life: 7 } as const;

const SOURCES = ['dtrace', 'eslogger'];

/** Reads what the watching process passed. It comes from ourselves, but anyone can type the command. */
export function parseChildHandoff(text: string | undefined): ChildHandoff {
  try {
    const value = JSON.parse(text ?? '') as ChildHandoff;
    const numbers = [value.backlogBytes, value.uid, value.gid, value.group];
    const isWhole = numbers.every((number) => Number.isSafeInteger(number) && number >= 0);
    if (
      !isWhole ||
      !SOURCES.includes(value.source) ||
      !/^[0-9a-f]{64}$/.test(value.sha256) ||
      !Array.isArray(value.limits)
    )
      throw new TypeError('a field is missing');
    return value;
  } catch (cause) {
    throw new HelperError('HELPER_HANDOFF', '"forward" is the second half of "run" and is started by it alone.', {
      cause,
    });
  }
}
