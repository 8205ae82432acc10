import type { ExecEvent } from '../../../shared/events/exec.ts';
import type { Clock } from '../../stream/clock.ts';
import { MIN_LINE_ROOM_BYTES } from '../../limits.ts';
import type { LineBuilder } from '../../stream/stream.ts';
import { splitCommandLine } from '../argv.ts';
import type { DevicePaths } from '../device-paths.ts';
import { momentOf, unixMicroseconds } from '../filetime.ts';
import type { Joined } from './join.ts';
import { KnownProcesses } from './known-processes.ts';

/** The facts that a running process itself provides, where the session did not. */
export interface ProcessAnswers {
  readonly commandLine?: string;
  readonly userSid?: string;
  readonly logonId?: string;
  readonly image?: string;
}

/**
 * Asks a process. If its creation time `created` (FILETIME) is known, it must match: a process that has ended, or an id
 * that another process uses by now, gives no answer. Does not ask for facts in `known`.
 */
export type AskProcess = (
  pid: number,
  created: bigint | undefined,
  known: { commandLine: boolean; image: boolean },
) => ProcessAnswers;

const INTEGRITY: ReadonlyMap<string, string> = new Map([
  ['S-1-16-0', 'untrusted'],
  ['S-1-16-4096', 'low'],
  ['S-1-16-8192', 'medium'],
  ['S-1-16-8448', 'medium_plus'],
  ['S-1-16-12288', 'high'],
  ['S-1-16-16384', 'system'],
  ['S-1-16-20480', 'protected'],
]);

type Line = Omit<ExecEvent, 'seq'>;

/** Writes process starts as lines of JSON. */
export class ProcessLines {
  readonly #clock: Clock;
  readonly #paths: DevicePaths;
  readonly #ask: AskProcess;
  readonly #known = new KnownProcesses();

  constructor(clock: Clock, paths: DevicePaths, ask: AskProcess) {
    this.#clock = clock;
    this.#paths = paths;
    this.#ask = ask;
  }

  build({ time, start, classic }: Joined): LineBuilder {
    const pid = start?.pid ?? classic?.pid ?? 0;
    const answers = this.#ask(pid, start?.created, { commandLine: classic !== undefined, image: start !== undefined });
    const exe = start === undefined ? answers.image : this.#paths.toDrivePath(start.image);
    const commandLine = classic?.commandLine ?? answers.commandLine;
    const startTime = start === undefined ? undefined : unixMicroseconds(start.created);
    const parent = this.#known.get(start?.parentSequence);
    if (start?.sequence !== undefined && startTime !== undefined) {
      this.#known.add(start.sequence, { pid, start_time: startTime, ...(exe === undefined ? {} : { exe }) });
    }
    const when = momentOf(time);
    const userSid = classic?.userSid ?? answers.userSid;
    const about: Partial<Line> = {
      time: this.#clock.format(when),
      ppid: start?.ppid ?? classic?.ppid ?? 0,
      ...(userSid === undefined ? {} : { user_sid: userSid }),
      ...(answers.logonId === undefined ? {} : { logon_id: answers.logonId }),
      ...(start?.label === undefined ? {} : { integrity_level: INTEGRITY.get(start.label) ?? start.label }),
      ...(start?.elevated === undefined ? {} : { elevated: start.elevated }),
      session_id: start?.session ?? classic?.session ?? 0,
      ...(exe === undefined ? {} : { exe }),
    };
    const rest: Partial<Line> = {
      comm: start === undefined ? (classic?.leaf ?? '') : start.image.slice(start.image.lastIndexOf('\\') + 1),
      ...(startTime === undefined ? {} : { start_time: startTime }),
      ...(parent === undefined ? {} : { parent }),
      source: 'etw',
    };
    const source = classic === undefined ? 'process' : 'etw';
    const line = (seq: number, text: string | undefined, whole: boolean): string => {
      const argv = text === undefined ? undefined : splitCommandLine(text);
      const command = [exe ?? classic?.leaf ?? '', ...(argv?.slice(1) ?? [])].join(' ');
      const args =
        argv === undefined
          ? {}
          : { argv, ...(whole ? {} : { argv_truncated: true }), command_line: text, command_source: source };
      return `${JSON.stringify({ pid, command, timestamp: when.seconds, type: 'exec', seq, ...about, ...args, ...rest })}\n`;
    };

    return (seq, room) => {
      for (let text = commandLine, whole = true; ; whole = false) {
        const built = line(seq, text, whole);
        if (
          built.length * 3 <= MIN_LINE_ROOM_BYTES ||
          text === undefined ||
          text === '' ||
          Buffer.byteLength(built) <= room()
        )
          return built;
        text = text.slice(0, text.length >> 1);
      }
    };
  }
}
