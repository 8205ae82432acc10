import type { SQLInputValue } from 'node:sqlite';
import { QueryError } from './errors.ts';
import { leaveOut, problemOf, type ReadStore } from './partitions.ts';
import { timeIsUp } from './search.ts';
import { isWholeLine } from './whole-line.ts';

/** A process among all that the store knows: pids come again. */
interface ProcessId {
  readonly bootId: string;
  readonly pid: number;
  readonly startTime: number;
}

/** One exec of a process in the tree; of a process that executed nothing, its fork. */
interface TreeLine {
  /** 0 for the process that was asked for, less for its ancestors, more for its descendants. */
  readonly depth: number;
  readonly line: string;
}

export interface Tree {
  readonly asked: ProcessId;
  /** Ancestors from the oldest on, the process, its descendants; children below their parent, in the order of their start. */
  readonly lines: readonly TreeLine[];
  /** Other processes that had this pid, newest first. */
  readonly others: readonly ProcessId[];
  /** Whether there is more than the limit. */
  readonly isCut: boolean;
  /** The parent of the oldest ancestor, of which the store has no exec. */
  readonly above: { readonly pid: number; readonly exe?: string | undefined } | undefined;
}

export interface TreeOptions {
  readonly pid: number;
  /** Start time, to choose among processes with this pid; the newest when it is left out. */
  readonly startTime?: number | undefined;
  /** Lines at most. */
  readonly limit: number;
  /** When to give up, on the clock of `performance.now`. */
  readonly deadline: number;
}

/** Ancestors at most; no real chain is as long, and damaged data could go in a circle. */
const MAX_ANCESTORS = 128;

/** Other processes with the same pid that are named. */
const MAX_OTHERS = 10;

/** An exec or a fork. */
interface Exec extends ProcessId {
  readonly isFork: boolean;
  readonly parentPid: number | null;
  readonly parentStartTime: number | null;
  readonly line: string;
}

/**
 * Finds a process by its pid, its ancestors and its descendants. A process and its parent are found by pid and start time, so
 * that a pid that came again joins no strangers. Where forks are told, processes that executed nothing are links of the chain.
 * @throws {QueryError} when the store has no such process, or time is up
 */
export function treeOf(store: ReadStore, options: TreeOptions): Tree {
  const execs = new Execs(store, options.deadline);
  const { pid, startTime } = options;
  const processes = distinct(execs.ofPid(pid));
  const asked = startTime === undefined ? processes[0] : processes.find((each) => each.startTime === startTime);
  if (asked === undefined)
    throw new QueryError(
      processes.length === 0
        ? `the store has no program that process ${pid} ran`
        : `process ${pid} did not start at ${startTime}; it did at ${processes.map((each) => each.startTime).join(', ')}`,
    );
  const ancestors: Exec[][] = [];
  // An index can name a process whose records are damaged.
  const own = execs.of(asked);
  let top = own.length === 0 ? [asked] : own;
  while (ancestors.length < MAX_ANCESTORS) {
    const parent = parentOf(top[0]!);
    const found = parent === undefined ? [] : execs.of(parent);
    if (found.length === 0) break;
    ancestors.unshift(found);
    top = found;
  }
  const lines: TreeLine[] = ancestors.flatMap((each, i) =>
    shown(each).map(({ line }) => ({ depth: i - ancestors.length, line })),
  );
  const seen = new Set<string>();
  let isCut = false;
  const add = (process: ProcessId, depth: number): void => {
    if (seen.has(keyOf(process)) || isCut) return;
    seen.add(keyOf(process));
    for (const { line } of shown(execs.of(process))) {
      if (lines.length >= options.limit) {
        isCut = true;
        return;
      }
      lines.push({ depth, line });
    }
    for (const child of distinct(execs.childrenOf(process))) add(child, depth + 1);
  };
  add(asked, 0);
  return {
    asked,
    lines,
    isCut,
    others: processes.filter((each) => each !== asked).slice(0, MAX_OTHERS),
    above: aboveOf(top[0]!),
  };
}

/** A fork says nothing that an exec of the same process does not say. */
function shown(execs: readonly Exec[]): readonly Exec[] {
  const programs = execs.filter(({ isFork }) => !isFork);
  return programs.length === 0 ? execs : programs;
}

function parentOf({ bootId, parentPid, parentStartTime }: Exec): ProcessId | undefined {
  if (parentPid === null || parentStartTime === null) return undefined;
  return { bootId, pid: parentPid, startTime: parentStartTime };
}

function aboveOf({ line, parentPid }: Exec): Tree['above'] {
  if (parentPid === null || parentPid === 0) return undefined;
  const { parent } = JSON.parse(line) as { parent?: { exe?: string } };
  return { pid: parentPid, exe: parent?.exe };
}

const keyOf = ({ bootId, pid, startTime }: ProcessId): string => `${bootId}/${pid}/${startTime}`;

/** Each process once, in the order of its first exec. */
function distinct(execs: readonly Exec[]): Exec[] {
  return [...new Map(execs.toReversed().map((exec) => [keyOf(exec), exec])).values()].reverse();
}

/** Looks for execs and forks in all partitions. */
class Execs {
  readonly #store: ReadStore;
  readonly #deadline: number;

  constructor(store: ReadStore, deadline: number) {
    this.#store = store;
    this.#deadline = deadline;
  }

  /** Of whatever process had the pid, the newest first. */
  ofPid(pid: number): Exec[] {
    return this.#find('r.pid = ? AND r.start_time IS NOT NULL', pid).reverse();
  }

  /** Of a process, in the order in which it ran them. */
  of({ bootId, pid, startTime }: ProcessId): Exec[] {
    return this.#find('r.pid = ? AND r.start_time = ? AND b.boot_id = ?', pid, startTime, bootId);
  }

  /** Of those whose parent a process was when they ran. */
  childrenOf({ bootId, pid, startTime }: ProcessId): Exec[] {
    return this.#find('r.parent_pid = ? AND r.parent_start_time = ? AND b.boot_id = ?', pid, startTime, bootId);
  }

  #find(where: string, ...values: SQLInputValue[]): Exec[] {
    const found: Exec[] = [];
    for (const { db, file } of this.#store.partitions.toReversed()) {
      if (performance.now() > this.#deadline) throw timeIsUp();
      try {
        const rows = db
          .prepare(
            `SELECT r.id, r.type, r.pid, r.start_time, r.parent_pid, r.parent_start_time, b.boot_id, l.line
             FROM records r JOIN lines l ON l.id = r.id JOIN boots b ON b.id = r.boot
             WHERE r.type IN ('exec', 'fork') AND ${where} ORDER BY r.id`,
          )
          .all(...values);
        for (const row of rows) {
          const { line } = row;
          if (!isWholeLine(line)) {
            leaveOut(this.#store, file, row['id']);
            continue;
          }
          found.push({
            isFork: row['type'] === 'fork',
            bootId: row['boot_id'] as string,
            pid: row['pid'] as number,
            startTime: row['start_time'] as number,
            parentPid: row['parent_pid'] as number | null,
            parentStartTime: row['parent_start_time'] as number | null,
            line,
          });
        }
      } catch (error) {
        const problem = problemOf(file, error);
        if (problem !== undefined && !this.#store.problems.includes(problem)) this.#store.problems.push(problem);
      }
    }
    return found;
  }
}
