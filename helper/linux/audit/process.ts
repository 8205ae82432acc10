import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { parseHandoff, type Handoff } from '../root/handoff.ts';
import type { Installation } from '../../installation.ts';
import { ThreadPrivileges } from '../threads.ts';
import { requireTrusted } from '../../unix/trusted-files.ts';
import type { Finding, Section } from '../../audit/report.ts';

const SECCOMP_FILTER = 2;

/**
 * The process that serves a socket: the one that holds its lock, by the kernel's
 * own list (/proc/locks), not by anything that a process could write.
 */
export function findHelper(lockFile: string): number | undefined {
  let inode: number;
  try {
    inode = lstatSync(lockFile).ino;
  } catch {
    return undefined;
  }
  for (const line of readFileSync('/proc/locks', 'latin1').split('\n')) {
    const fields = line.trim().split(/\s+/);
    if (fields[1] === 'FLOCK' && fields[5]?.endsWith(`:${inode}`)) return Number(fields[4]);
  }
  return undefined;
}

/** What the privileged stage passed to this process; it stands in its command line. Undefined while that stage still runs. */
export function readHandoff(pid: number): Handoff | undefined {
  const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  const at = argv.indexOf('forward');
  return at === -1 ? undefined : parseHandoff(argv[at + 1]);
}

/** Whether the process that runs is the file that was looked at, with nothing added and no privilege left. */
export function auditProcess(pid: number, handoff: Handoff, installation: Installation): Section {
  const findings: Finding[] = [];
  const executable = installation.command[0];
  // The very same file, whose content was hashed with the others.
  const [running, installed] = [statSync(`/proc/${pid}/exe`), statSync(executable)];
  if (running.ino !== installed.ino || running.dev !== installed.dev) {
    findings.push({
      code: 'PROCESS_OTHER_PROGRAM',
      message: `process ${pid} runs ${readlinkSync(`/proc/${pid}/exe`)}, not what is in ${executable} now. Restart the helper.`,
    });
  }
  const code = executableMappings(pid);
  for (const file of code) {
    const problem = file.startsWith('/') ? untrusted(file) : `memory that is no file: ${file}`;
    if (problem !== undefined)
      findings.push({ code: 'PROCESS_FOREIGN_CODE', message: `process ${pid} can execute ${problem}` });
  }

  const threads = new ThreadPrivileges(pid);
  const privileges = threads.read();
  threads.close();
  const left = [
    privileges.uid === handoff.uid ? [] : [`uid ${privileges.uid}`],
    privileges.gid === handoff.gid ? [] : [`gid ${privileges.gid}`],
    privileges.capabilities === '0' ? [] : [`capabilities ${privileges.capabilities}`],
    privileges.no_new_privs ? [] : ['no no_new_privs'],
    privileges.seccomp === SECCOMP_FILTER ? [] : ['no system call filter'],
  ].flat();
  if (left.length > 0)
    findings.push({
      code: 'PROCESS_PRIVILEGE',
      message: `process ${pid} still has: ${left.join(', ')}. Restart the helper; if it comes back, report it.`,
    });

  const descriptors = readdirSync(`/proc/${pid}/fd`).map((fd) => `${fd} ${readlinkSync(`/proc/${pid}/fd/${fd}`)}`);
  return { title: 'process', facts: { pid, ...privileges, landlock: handoff.landlock, code, descriptors }, findings };
}

/** Files, or names of other memory, that the process can execute from. */
function executableMappings(pid: number): string[] {
  const mapped = readFileSync(`/proc/${pid}/maps`, 'latin1')
    .split('\n')
    .map((line) => /^\S+ ..x. \S+ \S+ \S+\s*(.*)$/.exec(line)?.[1])
    .filter((file): file is string => file !== undefined && file !== '[vdso]' && file !== '[vsyscall]');
  return [...new Set(mapped.map((file) => file || 'anonymous'))];
}

function untrusted(file: string): string | undefined {
  try {
    requireTrusted(file);
    return undefined;
  } catch (error) {
    return `${file}, which is not safe: ${(error as Error).message}`;
  }
}
