import type { ExecEvent } from '../../shared/events/exec.ts';

/** The parent of a process, as an event names it. */
export type ParentReference = NonNullable<ExecEvent['parent']>;

/** The known facts about a process. */
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
  /** Whether its end was told. Its children may still need it; its pid may be another's by now. */
  readonly hasEnded: boolean;

  constructor(
    { pid, start_time, exe }: ParentReference,
    commandLine?: string,
    user?: number | string,
    parent?: ParentReference,
    hasEnded = false,
  ) {
    this.pid = pid;
    this.startTime = start_time;
    this.image = exe;
    this.commandLine = commandLine;
    this.user = user;
    this.parent = parent;
    this.hasEnded = hasEnded;
  }
}
