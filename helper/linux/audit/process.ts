import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync, type Stats } from 'node:fs';
import { HelperError } from '../../errors.ts';
import { parseHandoff, type Handoff } from '../handoff.ts';
import type { Installation } from '../../installation.ts';
import { ThreadPrivileges } from '../threads.ts';
import { requireTrusted } from '../../unix/trusted-files.ts';
import { executableMappings } from '../code.ts';
import type { Finding, Section } from '../../audit/report.ts';

const SECCOMP_FILTER = 2;

/**
 * The process that serves a socket: the one that holds its lock according to the kernel's own list (/proc/locks), which
 * no process can falsify.
 */
export function findHelper(lockFile: string): number | undefined {
  const lock = lstatSync(lockFile, { throwIfNoEntry: false });
  if (lock === undefined) return undefined;
  for (const line of readFileSync('/proc/locks', 'latin1').split('\n')) {
    const fields = line.trim().split(/\s+/);
    if (fields[1] === 'FLOCK' && fields[5]?.endsWith(`:${lock.ino}`) && holds(fields[4] ?? '', lock))
      return Number(fields[4]);
  }
  return undefined;
}

/**
 * Whether a process has exactly this file open. The list names it by a number that a file of another file system can
 * have too.
 */
function holds(pid: string, { dev, ino }: Stats): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      const open = statSync(`/proc/${pid}/fd/${fd}`, { throwIfNoEntry: false });
      return open?.ino === ino && open.dev === dev;
    });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return false; // it has ended
    throw mayNotLook(pid, `${code}`);
  }
}

/** Root alone is not enough in a container or a service that has few capabilities. */
export function mayNotLook(pid: number | string, reason: string): HelperError {
  return new HelperError(
    'HELPER_NOT_ROOT',
    `the audit may not look into process ${pid}: ${reason}. Besides root it takes CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE and CAP_SYS_ADMIN. In a container without them, start it from outside: nsenter --mount --target ${pid} probes-helper audit`,
  );
}

/**
 * The state that the privileged stage passed to this process, from its command line. Undefined while that stage still
 * runs.
 */
export function readHandoff(pid: number): Handoff | undefined {
  const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  const at = argv.indexOf('forward');
  return at === -1 ? undefined : parseHandoff(argv[at + 1]);
}

/** Checks that the process runs the examined file, with no foreign code and no privilege left. */
export function auditProcess(pid: number, handoff: Handoff, installation: Installation): Section {
  const findings: Finding[] = [];
  const executable = installation.command[0];
  // The very same file, whose content was hashed with the others.
  const [running, installed] = [statSync(`/proc/${pid}/exe`), statSync(executable)];
  if (running.ino !== installed.ino || running.dev !== installed.dev) {
    findings.push({
      code: 'PROCESS_OTHER_PROGRAM',
      message: `process ${pid} runs ${readlinkSync(`/proc/${pid}/exe`)}, not the file that is in ${executable} now. Restart the helper.`,
    });
  }
  const code = executableMappings(pid);
  for (const file of code) {
    const problem = file.startsWith('/') ? untrusted(file) : `memory without a file: ${file}`;
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

/** Files with executable code of the process, and names of other executable memory. */

function untrusted(file: string): string | undefined {
  try {
    requireTrusted(file);
    return undefined;
  } catch (error) {
    return `${file}, which is not safe: ${(error as Error).message}`;
  }
}
