import { readFileSync } from 'node:fs';
import { AUDIT_PROGRESS_MS } from '../../limits.ts';
import type { Finding, Section } from '../../audit/report.ts';

const LOOK_MS = 50;

/** The kernel's facts about the forwarding thread. */
interface Run {
  /** The letter of proc_pid_stat(5). */
  readonly state: string;
  /** Its context switches, voluntary and involuntary: the sum grows with every wake-up. */
  readonly switches: number;
}

/**
 * Checks that the helper makes progress. Its loop wakes up at least once a second, whatever happens. So within
 * AUDIT_PROGRESS_MS it must have run, which the kernel reports, and must have committed its state. Waits at most that
 * long, normally a second.
 * @param turn a number that changes with every commit; undefined if the audit may not look
 */
export function auditProgress(pid: number, turn: (() => number) | undefined): Section {
  const begun = performance.now();
  const before = look(pid);
  const turnBefore = turn?.();
  let now = before;
  let ran = false;
  let committed = turn === undefined;
  while (!(ran && committed) && now.state !== 'T' && performance.now() - begun < AUDIT_PROGRESS_MS) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS);
    now = look(pid);
    ran ||= now.switches !== before.switches;
    committed ||= turn?.() !== turnBefore;
  }
  const findings: Finding[] = [];
  if (now.state === 'T' || !ran)
    findings.push({ code: 'HELPER_STOPPED', message: `process ${pid} does not run: ${why(pid, now.state)}` });
  else if (!committed)
    findings.push({
      code: 'HELPER_STALLED',
      message: `process ${pid} runs, but has read no event and compared no counter for ${AUDIT_PROGRESS_MS / 1000} s. Restart the helper, and report it.`,
    });
  return {
    title: 'progress',
    facts: { state: now.state, ran, committed: turn === undefined ? 'unknown' : committed },
    findings,
  };
}

function look(pid: number): Run {
  // The name in parentheses can hold anything; the last one closes it.
  const [, state = '?'] = /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\)/s, ')')) ?? [];
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const switches = [...status.matchAll(/^(?:non)?voluntary_ctxt_switches:\t(\d+)$/gm)];
  return { state, switches: switches.reduce((sum, [, count]) => sum + Number(count), 0) };
}

/** The reason in words, with what to do, as far as the kernel reports it. */
function why(pid: number, state: string): string {
  if (state === 'T') return `a signal has stopped it. Continue it: kill -CONT ${pid}`;
  const tracer = /^TracerPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? '0';
  if (state === 't') return `process ${tracer} traces it and has stopped it. Find out who started that.`;
  // The function of the kernel in which it waits: __refrigerator of version 1, do_freezer_trap of version 2, which since
  // 7.2 is a part of get_signal. (A stop by a signal or a tracer waits there, too, but has other states.)
  const waitsIn = readFileSync(`/proc/${pid}/wchan`, 'latin1');
  if (isFrozen(pid) || /freezer|refrigerator|^get_signal$/.test(waitsIn))
    return `its control group is frozen (/proc/${pid}/cgroup). Thaw it.`;
  return `it has not been woken for ${AUDIT_PROGRESS_MS / 1000} s (state ${state}, in ${waitsIn}). Restart the helper.`;
}

/** Whether its control group of version 2 is frozen (cgroup.events, Documentation/admin-guide/cgroup-v2.rst); false where that cannot be read. */
function isFrozen(pid: number): boolean {
  try {
    const group = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '';
    return /^frozen 1$/m.test(readFileSync(`/sys/fs/cgroup${group}/cgroup.events`, 'utf8'));
  } catch {
    return false;
  }
}
