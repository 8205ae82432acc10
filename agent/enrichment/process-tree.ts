import type { ExecEvent } from '../../shared/events/exec.ts';
import { imageOf } from '../rules/fields/incomplete.ts';
import { commandLineOf } from '../rules/fields/table.ts';
import { Budget } from './budget.ts';
import { Generations } from './generations.ts';
import {
  MAX_ANCESTORS,
  MAX_PROCESS_BYTES,
  MAX_PROCESSES,
  MAX_REMEMBERED_COMMAND,
  PROC_READS_PER_SECOND,
} from './limits.ts';
import type { readRunningProcess } from './proc.ts';

/** The parent of a process, as an event names it. */
type ParentReference = NonNullable<ExecEvent['parent']>;

/** A process, as far as it is known. */
export class KnownProcess {
  readonly pid: number;
  /** Microseconds since boot. */
  readonly startTime: number | undefined;
  readonly image: string | undefined;
  /** Its first characters (MAX_REMEMBERED_COMMAND). */
  readonly commandLine: string | undefined;
  /** uid, or on Windows SID. */
  readonly user: number | string | undefined;
  readonly parent: ParentReference | undefined;

  constructor(
    { pid, start_time, exe }: ParentReference,
    commandLine?: string,
    user?: number | string,
    parent?: ParentReference,
  ) {
    this.pid = pid;
    this.startTime = start_time;
    this.image = exe;
    this.commandLine = commandLine;
    this.user = user;
    this.parent = parent;
  }
}

export interface ProcessTreeOptions {
  /** Asks the system of a process that no event told of. Left out: such processes stay unknown. */
  readonly askSystem?: typeof readRunningProcess;
  readonly maxProcesses?: number;
  readonly maxBytes?: number;
}

/**
 * Which process is whose child, and what each was started as. Filled from every exec event, including those of a snapshot
 * and of a replay; bounded. The system is asked once about a process that no event named.
 */
export class ProcessTree {
  readonly #askSystem: ProcessTreeOptions['askSystem'];
  readonly #budget = new Budget(PROC_READS_PER_SECOND);
  /** By pid. A pid that is used again replaces its predecessor. */
  readonly #processes: Generations<number, KnownProcess>;

  constructor({ askSystem, maxProcesses = MAX_PROCESSES, maxBytes = MAX_PROCESS_BYTES }: ProcessTreeOptions = {}) {
    this.#askSystem = askSystem;
    this.#processes = new Generations({ entries: maxProcesses, bytes: maxBytes }, sizeOf);
  }

  get size(): number {
    return this.#processes.size;
  }

  /** An estimate of the memory that is held. */
  get bytes(): number {
    return this.#processes.bytes;
  }

  /** Remembers the process that executed something; what it was before is forgotten. */
  see(event: ExecEvent): void {
    const { pid, start_time, uid, user_sid, parent } = event;
    const exe = imageOf(event);
    const reference = {
      pid,
      ...(start_time === undefined ? undefined : { start_time }),
      ...(exe === undefined ? undefined : { exe }),
    };
    this.#processes.set(pid, new KnownProcess(reference, startOf(commandLineOf(event)), user_sid ?? uid, parent));
  }

  /** The parent of the process that executed something. */
  parentOf(event: ExecEvent): KnownProcess | undefined {
    return event.parent === undefined ? undefined : this.#find(event.parent);
  }

  /** Parent, grandparent and so on, as far as they are known. */
  ancestorsOf(event: ExecEvent): KnownProcess[] {
    const ancestors: KnownProcess[] = [];
    const seen = new Set([event.pid]);
    for (let next = event.parent; next !== undefined && ancestors.length < MAX_ANCESTORS && !seen.has(next.pid);) {
      seen.add(next.pid);
      const found: KnownProcess = this.#find(next) ?? new KnownProcess(next);
      ancestors.push(found);
      next = found.parent;
    }
    return ancestors;
  }

  /** Another boot has begun: its processes are others. */
  clear(): void {
    this.#processes.clear();
  }

  #find(reference: ParentReference): KnownProcess | undefined {
    const { pid, start_time: startTime } = reference;
    const known = this.#processes.get(pid);
    if (known !== undefined) {
      if (known.startTime === startTime || known.startTime === undefined || startTime === undefined) return known;
      // The pid has been used again since: the process that had it before is gone.
      if (known.startTime > startTime) return undefined;
    }
    return this.#ask(reference);
  }

  #ask(reference: ParentReference): KnownProcess | undefined {
    if (this.#askSystem === undefined || !this.#budget.isLeft) return undefined;
    this.#budget.spend(1);
    const running = this.#askSystem(reference.pid, reference.start_time);
    const parent = running === undefined || running.parentPid === 0 ? undefined : { pid: running.parentPid };
    const process = new KnownProcess(reference, running?.commandLine, undefined, parent);
    // Also when nothing is known: it is not asked again.
    this.#processes.set(reference.pid, process);
    return process;
  }
}

/** The object and its numbers, then two bytes a character, since a string that is not Latin takes two. */
function sizeOf({ image, commandLine, user, parent }: KnownProcess): number {
  return (
    200 +
    2 *
      ((image?.length ?? 0) +
        (commandLine?.length ?? 0) +
        (typeof user === 'string' ? user.length : 0) +
        (parent?.exe?.length ?? 0))
  );
}

/** A copy: a part of a string would keep the whole of it in memory. */
function startOf(text: string): string {
  return text.length <= MAX_REMEMBERED_COMMAND
    ? text
    : Buffer.from(text.slice(0, MAX_REMEMBERED_COMMAND), 'utf16le').toString('utf16le');
}
