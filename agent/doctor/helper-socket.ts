import { lstatSync, statSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { AgentError, reasonOf, systemCode } from '../errors.ts';
import { trustedPath, UntrustedPathError } from '../files/trusted-path.ts';
import { isWritableByOthers } from '../files/trusted-path.ts';
import { trustedSocket } from '../source/socket-trust.ts';
import { groupName } from '../values/groups.ts';
import { findingsOf, type Finding } from './finding.ts';
import { lets, type Person } from './people.ts';

/** Where packages and people install the helper. */
export const programsOf = (platform: string): readonly string[] => [
  platform === 'darwin' ? '/Library/PlatformProbes/bin/probes-helper' : '/usr/libexec/platform-probes/probes-helper',
  '/usr/sbin/probes-helper',
  '/usr/local/sbin/probes-helper',
];

const START =
  process.platform === 'darwin'
    ? 'see docs/macos.md: launchd starts it, and its log says why it does not'
    : 'systemctl enable --now probes-helper, then journalctl -u probes-helper';

/** Read and write: what connecting to a socket takes (unix(7)). */
const CONNECT = 6;
const ENTER = 1;

/** Whether the helper is installed so that it can start. @param isRunning whether it answers */
export function checkProgram(isRunning: boolean, programs = programsOf(process.platform)): Finding {
  const { ok, warning, problem } = findingsOf('helper');
  const file = programs.find((name) => lstatSync(name, { throwIfNoEntry: false }) !== undefined);
  if (file === undefined) {
    if (isRunning) return ok('it runs, though not from where packages install it');
    return problem(
      `there is no probes-helper (${programs.join(', ')})`,
      'install the package, or npm start in a checkout',
    );
  }
  try {
    const { path, stats } = trustedPath(file, [0]);
    if (!stats.isSymbolicLink() && isWritableByOthers(stats))
      throw new UntrustedPathError(`${path} can be written by others`);
  } catch (error) {
    if (!(error instanceof UntrustedPathError)) throw error;
    return problem(
      `it will not start: ${reasonOf(error)}`,
      'install the package again; root must own its files and folders',
    );
  }
  return isRunning ? ok(`${file}, and it runs`) : warning(`${file} is installed, but nobody answers`, START);
}

export interface SocketView {
  readonly path: string;
  /** Its required owner. */
  readonly ownerUid: number;
  /** The user of the agent: of the one that runs, or of the one that would. */
  readonly agent: Person | undefined;
  /** Whether `agent` is a process that runs, with the groups that it really has. */
  readonly agentRuns: boolean;
  readonly caller: Person | undefined;
}

/** Whether the helper's socket is there, is its own, and lets the agent in. */
export function checkSocket(view: SocketView): Finding[] {
  const { path, ownerUid } = view;
  const { ok, problem, skipped } = findingsOf('socket');
  if (process.platform === 'win32')
    return [skipped('a pipe of Windows, whose owner the agent checks when it connects')];
  let stats: Stats;
  try {
    stats = lstatSync(trustedSocket(path, ownerUid));
  } catch (error) {
    if (error instanceof AgentError) return [problem(error.message)];
    switch (systemCode(error)) {
      case 'ENOENT':
        return [problem(`there is no socket at ${path}`, `start the helper: ${START}; or correct source.socket`)];
      case 'EACCES':
        return [
          skipped(
            `${dirname(path)} is not open to this user, so its mode cannot be seen`,
            'run this as root, or as the agent',
          ),
        ];
      default:
        return [problem(`${path}: ${reasonOf(error)}`)];
    }
  }
  const mode = (stats.mode & 0o777).toString(8).padStart(4, '0');
  const group = groupName(stats.gid) ?? String(stats.gid);
  const findings = [
    (stats.mode & 0o007) === 0
      ? ok(`${path}, mode ${mode}, group ${group}`)
      : problem(
          `${path} has mode ${mode}: everybody can read every command line`,
          'restart the helper, which sets 0660',
        ),
  ];
  const folder = statSync(dirname(path));
  const mayConnect = (person: Person): boolean => lets(folder, person, ENTER) && lets(stats, person, CONNECT);
  return [...findings, ...checkMembers(view, group, mayConnect)];
}

function checkMembers(
  { agent, agentRuns, caller }: SocketView,
  group: string,
  mayConnect: (person: Person) => boolean,
): Finding[] {
  const { ok, problem, skipped } = findingsOf('group');
  const findings: Finding[] = [];
  if (agent === undefined) findings.push(skipped('no agent runs, and its user is not known'));
  else if (mayConnect(agent)) findings.push(ok(`the agent's user, ${agent.name}, may connect`));
  else
    findings.push(
      problem(
        `the agent's user, ${agent.name}, may not connect`,
        `usermod -aG ${group} ${agent.name}, then restart the agent${agentRuns ? ': it has the groups of its start' : ''}`,
      ),
    );
  if (caller !== undefined && caller.uid !== agent?.uid)
    findings.push(
      mayConnect(caller)
        ? ok(`you, ${caller.name}, may connect`)
        : ok(`you, ${caller.name}, may not connect, and need not: only the agent has to`),
    );
  return findings;
}
