import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { MAX_REMEMBERED_COMMAND } from './limits.ts';

/** Clock ticks of /proc/PID/stat: USER_HZ is 100 a second on every architecture that Linux runs on here. */
const MICROSECONDS_PER_TICK = 10_000;

/** A running process, according to /proc. */
export interface RunningProcess {
  readonly parentPid: number;
  readonly commandLine: string;
}

/**
 * Asks /proc about a process. Needs no privilege unless /proc is mounted with `hidepid`.
 * @param startTime microseconds since boot; a process with this pid and another start time does not count
 * @returns undefined when it has ended, is hidden, or has no command line (a kernel thread)
 */
export function readRunningProcess(pid: number, startTime: number | undefined): RunningProcess | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may hold anything, also parentheses: count the fields after the last one (proc_pid_stat(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [parentPid, ticks] = [Number(fields[1]), Number(fields[19])];
    if (startTime !== undefined && Math.floor(startTime / MICROSECONDS_PER_TICK) !== ticks) return undefined;
    const commandLine = withoutEndOf(readStart(`/proc/${pid}/cmdline`)).replaceAll('\0', ' ');
    return commandLine === '' ? undefined : { parentPid, commandLine };
  } catch {
    // The process has ended or is hidden.
    return undefined;
  }
}

/** Without the zeros at its end. An expression such as /\0+$/ takes milliseconds for thousands of empty arguments in front of another. */
function withoutEndOf(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === '\0') end--;
  return text.slice(0, end);
}

/** Reads the first bytes of a file, up to the remembered length. */
function readStart(file: string): string {
  const memory = Buffer.allocUnsafe(MAX_REMEMBERED_COMMAND);
  const descriptor = openSync(file, 'r');
  try {
    return memory.toString('utf8', 0, readSync(descriptor, memory, 0, memory.length, 0));
  } finally {
    closeSync(descriptor);
  }
}
