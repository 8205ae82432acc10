import type { ExecEvent } from '../../shared/events/exec.ts';
import type { ExitEvent } from '../../shared/events/exit.ts';
import type { ForkEvent } from '../../shared/events/fork.ts';
import { imageOf } from '../rules/fields/incomplete.ts';
import { commandLineOf } from '../rules/fields/table.ts';
import { Budget } from './budget.ts';
import { KnownProcess, type ParentReference } from './known-process.ts';
import {
  MAX_ANCESTORS,
  MAX_PROCESS_BYTES,
  MAX_PROCESSES,
  MAX_REMEMBERED_COMMAND,
  PROC_READS_PER_SECOND,
} from './limits.ts';
import type { readRunningProcess } from './proc.ts';
import { ProcessRecords } from './process-records.ts';

export interface ProcessTreeOptions {
  /** Asks the system about a process without an event. If absent, such processes stay unknown. */
  readonly askSystem?: typeof readRunningProcess;
  readonly maxProcesses?: number;
  readonly maxBytes?: number;
}

/**
 * The parent of each process and the program it runs. Filled from every exec event, including those of snapshots
 * and replays, and from forks and ends where a helper tells them; bounded. Asks the system once about a process without an event.
 */
export class ProcessTree {
  readonly #askSystem: ProcessTreeOptions['askSystem'];
  readonly #budget = new Budget(PROC_READS_PER_SECOND);
  /** By pid. A pid that is used again replaces its predecessor. */
  readonly #processes: ProcessRecords;

  constructor({ askSystem, maxProcesses = MAX_PROCESSES, maxBytes = MAX_PROCESS_BYTES }: ProcessTreeOptions = {}) {
    this.#askSystem = askSystem;
    this.#processes = new ProcessRecords({ entries: maxProcesses, bytes: maxBytes });
  }

  get size(): number {
    return this.#processes.size;
  }

  /** Bytes of memory that are in use. */
  get bytes(): number {
    return this.#processes.bytes;
  }

  /** Learns what an event says of processes; takes events of any type. */
  take(event: { readonly type: string }): void {
    if (event.type === 'exec') this.see(event as ExecEvent);
    else if (event.type === 'fork') this.#seeFork(event as ForkEvent);
    else if (event.type === 'exit') this.#seeEnd(event as ExitEvent);
  }

  /** Remembers the process of an exec event, in place of its previous program. */
  see(event: ExecEvent): void {
    const { pid, start_time, uid, user_sid, parent } = event;
    const exe = imageOf(event);
    const reference = {
      pid,
      ...(start_time === undefined ? undefined : { start_time }),
      ...(exe === undefined ? undefined : { exe }),
    };
    const commandLine = commandLineOf(event).slice(0, MAX_REMEMBERED_COMMAND);
    this.#processes.set(new KnownProcess(reference, commandLine, user_sid ?? uid, parent));
  }

  /** Until it executes something, a new process runs what its parent runs. Without CLONE_PARENT, that is the process that asked. */
  #seeFork({ pid, start_time, exe, parent }: ForkEvent): void {
    const above = this.#processes.get(parent.pid);
    const isKnown = above?.startTime === parent.start_time;
    const isCopy = isKnown && above.image === exe;
    this.#processes.set(
      new KnownProcess(
        { pid, start_time, ...(exe === undefined ? undefined : { exe }) },
        isCopy ? above.commandLine : undefined,
        isCopy ? above.user : undefined,
        isKnown && above.image !== undefined ? { ...parent, exe: above.image } : parent,
      ),
    );
  }

  /** Ended processes stay as long as there is room: who they left behind has them as ancestors. */
  #seeEnd({ pid, start_time: startTime }: ExitEvent): void {
    this.#processes.end(pid, startTime);
  }

  /** Returns the parent of the event's process. */
  parentOf(event: Pick<ExecEvent, 'parent'>): KnownProcess | undefined {
    return event.parent === undefined ? undefined : this.#find(event.parent);
  }

  /** Returns parent, grandparent and so on, as far as they are known. */
  ancestorsOf(event: Pick<ExecEvent, 'pid' | 'parent'>): KnownProcess[] {
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

  /** Forgets every process, because a new boot has begun. */
  clear(): void {
    this.#processes.clear();
  }

  #find(reference: ParentReference): KnownProcess | undefined {
    const { pid, start_time: startTime } = reference;
    const known = this.#processes.get(pid);
    if (known !== undefined) {
      // A pid alone means the process that has it now.
      if (startTime === undefined ? !known.hasEnded : known.startTime === undefined || known.startTime === startTime)
        return known;
      // The pid was reused since: its earlier process is gone from the map.
      if (startTime !== undefined && known.startTime !== undefined && known.startTime > startTime) return undefined;
    }
    return this.#ask(reference);
  }

  #ask(reference: ParentReference): KnownProcess | undefined {
    if (this.#askSystem === undefined || !this.#budget.isLeft) return undefined;
    this.#budget.spend(1);
    const running = this.#askSystem(reference.pid, reference.start_time);
    const parent = running === undefined || running.parentPid === 0 ? undefined : { pid: running.parentPid };
    const process = new KnownProcess(reference, running?.commandLine, undefined, parent);
    // Remember failures too, so that the system is asked once.
    this.#processes.set(process);
    return process;
  }
}
