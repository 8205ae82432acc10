import type { ExecEvent } from '../../shared/events/exec.ts';
import { commandLineOf, imageOf } from '../rules/fields/table.ts';
import { Budget } from './budget.ts';
import { MAX_ANCESTORS, MAX_PROCESS_BYTES, MAX_PROCESSES, MAX_REMEMBERED_COMMAND, PROC_READS_PER_SECOND } from './limits.ts';
import type { readRunningProcess } from './proc.ts';

/** What is known of a process. */
export interface KnownProcess {
  readonly pid: number;
  /** Microseconds since boot. */
  readonly startTime?: number;
  readonly image?: string;
  /** Its first characters (MAX_REMEMBERED_COMMAND). */
  readonly commandLine?: string;
  readonly uid?: number;
  readonly parent?: ParentReference;
}

interface ParentReference {
  readonly pid: number;
  readonly start_time?: number;
  readonly exe?: string;
}

export interface ProcessTreeOptions {
  /** Asks the system of a process that no event told of. Left out: such processes stay unknown. */
  readonly askSystem?: typeof readRunningProcess;
  readonly maxProcesses?: number;
  readonly maxBytes?: number;
}

/**
 * Which process is whose child, and what each was started as. Filled from every exec event, those of a snapshot and of a replay
 * among them; bounded. What no event told of is asked of the system, once.
 */
export class ProcessTree {
  readonly #options: ProcessTreeOptions;
  readonly #budget = new Budget(PROC_READS_PER_SECOND);
  /** By pid, what was needed longest ago first. A pid that is used again replaces its predecessor. */
  readonly #processes = new Map<number, KnownProcess>();
  #bytes = 0;

  constructor(options: ProcessTreeOptions = {}) {
    this.#options = options;
  }

  get size(): number {
    return this.#processes.size;
  }

  /** An estimate of the memory that is held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Remembers the process that executed something; what it was before is forgotten. */
  see(event: ExecEvent): void {
    const { pid, start_time: startTime, uid, parent } = event;
    const image = imageOf(event);
    this.#put({
      pid,
      commandLine: startOf(commandLineOf(event)),
      ...(startTime === undefined ? {} : { startTime }),
      ...(image === undefined ? {} : { image }),
      ...(uid === undefined ? {} : { uid }),
      ...(parent === undefined ? {} : { parent }),
    });
  }

  /** The parent of the process that executed something. */
  parentOf(event: ExecEvent): KnownProcess | undefined {
    return event.parent === undefined ? undefined : this.#find(event.parent);
  }

  /** Parent, grandparent and so on, as far as they are known. */
  ancestorsOf(event: ExecEvent): KnownProcess[] {
    const ancestors: KnownProcess[] = [];
    const seen = new Set([event.pid]);
    for (let next = event.parent; next !== undefined && ancestors.length < MAX_ANCESTORS && !seen.has(next.pid); ) {
      seen.add(next.pid);
      const found: KnownProcess = this.#find(next) ?? fromReference(next);
      ancestors.push(found);
      next = found.parent;
    }
    return ancestors;
  }

  /** Another boot has begun: its processes are others. */
  clear(): void {
    this.#processes.clear();
    this.#bytes = 0;
  }

  #find(reference: ParentReference): KnownProcess | undefined {
    const { pid, start_time: startTime } = reference;
    const known = this.#processes.get(pid);
    if (known !== undefined) {
      if (known.startTime === startTime || known.startTime === undefined || startTime === undefined) {
        this.#processes.delete(pid);
        this.#processes.set(pid, known);
        return known;
      }
      // The pid has been used again since: who had it before is gone.
      if (known.startTime > startTime) return undefined;
    }
    return this.#ask(reference);
  }

  #ask(reference: ParentReference): KnownProcess | undefined {
    const { askSystem } = this.#options;
    if (askSystem === undefined || !this.#budget.isLeft) return undefined;
    this.#budget.spend(1);
    const running = askSystem(reference.pid, reference.start_time);
    const process: KnownProcess = {
      ...fromReference(reference),
      ...(running === undefined ? {} : { commandLine: running.commandLine }),
      ...(running === undefined || running.parentPid === 0 ? {} : { parent: { pid: running.parentPid } }),
    };
    // Also when nothing is known: it is not asked again.
    this.#put(process);
    return process;
  }

  #put(process: KnownProcess): void {
    const { maxProcesses = MAX_PROCESSES, maxBytes = MAX_PROCESS_BYTES } = this.#options;
    this.#forget(process.pid);
    this.#processes.set(process.pid, process);
    this.#bytes += sizeOf(process);
    while (this.#processes.size > maxProcesses || this.#bytes > maxBytes) {
      const [oldest] = this.#processes.keys();
      this.#forget(oldest!);
    }
  }

  #forget(pid: number): void {
    const known = this.#processes.get(pid);
    if (known === undefined) return;
    this.#processes.delete(pid);
    this.#bytes -= sizeOf(known);
  }
}

function fromReference({ pid, start_time: startTime, exe }: ParentReference): KnownProcess {
  return { pid, ...(startTime === undefined ? {} : { startTime }), ...(exe === undefined ? {} : { image: exe }) };
}

/** The object and its numbers, then two bytes a character, since a string that is not Latin takes two. */
function sizeOf({ image, commandLine, parent }: KnownProcess): number {
  return 200 + 2 * ((image?.length ?? 0) + (commandLine?.length ?? 0) + (parent?.exe?.length ?? 0));
}

/** A copy: a part of a string would keep the whole of it in memory. */
function startOf(text: string): string {
  return text.length <= MAX_REMEMBERED_COMMAND ? text : Buffer.from(text.slice(0, MAX_REMEMBERED_COMMAND), 'utf16le').toString('utf16le');
}
