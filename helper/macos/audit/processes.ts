import type { Finding, Section } from '../../audit/report.ts';
import { ask } from './ask.ts';

interface Listed {
  readonly pid: number;
  readonly ppid: number;
  /** Effective, real and saved: a process with root in one of them can have it in all. */
  readonly uids: readonly number[];
  /** The state as ps(1) prints it: T is stopped. */
  readonly state: string;
  readonly command: string;
}

/** The processes that should exist. */
export interface Expected {
  /** The helper's executable, as it was started. */
  readonly executable: string;
  /** The programs that may trace; compared with the beginning of command lines. */
  readonly tracers: readonly string[];
}

/**
 * Checks the helper's processes by ps(1): a watching one of root, below it the forwarding one, without root, and the
 * tracer. Command lines are the processes' own claims; user ids and parents come from the kernel.
 */
export function auditProcesses(ps: string, { executable, tracers }: Expected): Section {
  const listed = list(ps);
  if (listed === undefined)
    return section({}, [
      { code: 'PROCESS_UNREADABLE', message: `${ps} does not list processes. Check that it can be run.` },
    ]);
  const isOur = ({ command }: Listed, what: string): boolean =>
    // With a second slash in front after a restart (unix/environment.ts).
    (command.startsWith(`${executable} `) || command.startsWith(`/${executable} `)) &&
    ` ${command} `.includes(` ${what} `);
  const [watching] = listed.filter((each) => isOur(each, 'run') && each.uids[0] === 0);
  if (watching === undefined)
    return section({}, [
      {
        code: 'HELPER_NOT_RUNNING',
        message: `no process of root runs ${executable} run. See: launchctl print system/platform-probes.helper`,
      },
    ]);

  const findings: Finding[] = [];
  const children = listed.filter(({ ppid }) => ppid === watching.pid);
  const forwarding = children.find((each) => isOur(each, 'forward'));
  const tracer = children.find(({ command }) =>
    tracers.some((path) => command === path || command.startsWith(`${path} `)),
  );
  if (forwarding === undefined) {
    findings.push({
      code: 'HELPER_STARTING',
      message: `process ${watching.pid} has no forwarding process yet: nobody serves the pipe. Run the audit again in a second.`,
    });
  } else if (forwarding.uids.includes(0)) {
    findings.push({
      code: 'PROCESS_PRIVILEGE',
      message: `process ${forwarding.pid}, which forwards, has uids ${forwarding.uids.join('/')}: it can be root. Restart the helper; if it comes back, report it.`,
    });
  }
  for (const each of [watching, forwarding, tracer])
    if (each?.state.startsWith('T') === true)
      findings.push({
        code: 'HELPER_STOPPED',
        message: `process ${each.pid} (${each.command}) does not run: a signal has stopped it. Continue it: kill -CONT ${each.pid}`,
      });
  if (tracer === undefined)
    findings.push({
      code: 'TRACER_MISSING',
      message: `process ${watching.pid} runs neither dtrace nor eslogger: nothing is seen. The helper's log gives the reason; without Full Disk Access eslogger ends at once.`,
    });
  return section(
    {
      watching: watching.pid,
      forwarding: forwarding?.pid ?? 'none',
      forwarding_uids: forwarding?.uids.join('/') ?? 'none',
      tracer: tracer?.command ?? 'none',
    },
    findings,
  );
}

const section = (facts: Section['facts'], findings: readonly Finding[]): Section => ({
  title: 'processes',
  facts,
  findings,
});

function list(ps: string): Listed[] | undefined {
  const columns = ['pid', 'ppid', 'uid', 'ruid', 'svuid', 'stat', 'args'].flatMap((name) => ['-o', `${name}=`]);
  return ask(ps, '-A', '-ww', ...columns)
    ?.split('\n')
    .flatMap((line): Listed[] => {
      const [, pid, ppid, uid, ruid, svuid, state = '', command] =
        /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
      return command === undefined
        ? []
        : [{ pid: Number(pid), ppid: Number(ppid), uids: [uid, ruid, svuid].map(Number), state, command }];
    });
}
