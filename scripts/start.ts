// npm start [-- [--dashboard] HELPER_ARGUMENT...]: builds what is missing, runs the helper as root
// and the agent without any privilege, and prints live events until Ctrl-C.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { canOpenBrowser, openInBrowser } from '../installers/tools/browser.ts';
import { complain, messageOf, progress } from '../installers/tools/progress.ts';
import { inCheckout } from '../installers/tools/root-folder.ts';
import { type AgentFiles, agentFilesIn } from './start/agent-config.ts';
import { makeAgentFolder, removeAgentFolder } from './start/agent-folder.ts';
import { freeAddress, PAGE_FLAG, pageUrl } from './start/page.ts';
import { withVariables } from './start/helper-arguments.ts';
import { endProgram, type Running, watch } from './start/running.ts';
import { type Stage, stageOf } from './start/staging.ts';
import { unusedIds } from './start/unused-ids.ts';
import { ensureSystemPackages, hasCommand } from '../installers/tools/system-packages.ts';

const FILES = ['probes-helper', 'probes-agent', 'koffi.node', 'exec.bpf.o'].map((name) => inCheckout('dist', name));

const AGENT = inCheckout('dist/probes-agent');

/** The variables that the agent gets: the path to setpriv, and how to write to this terminal. */
const AGENT_VARIABLES = ['PATH', 'TERM', 'COLORTERM', 'NO_COLOR', 'FORCE_COLOR', 'LANG', 'LC_ALL', 'TZ'];

/** How long the agent may take to write the events that it holds. */
const AGENT_SECONDS = 10;

/** How the two programs are run. It differs between root and other users. */
interface Plan {
  /** Goes before the command of the part that needs root. */
  readonly elevation: readonly string[];
  readonly helperUid: number;
  readonly agentGid: number;
  /** Left out where the agent runs as the user who starts it. */
  readonly agentUid?: number;
  /** Where the agent serves a page; left out: nowhere. */
  readonly page?: string;
}

async function makePlan(uid: number, gid: number, hasPage: boolean): Promise<Plan> {
  const [helperUid = 0, agentId = 0] = unusedIds(2);
  const page = hasPage ? { page: await freeAddress() } : {};
  if (uid !== 0) return { elevation: ['sudo', '--'], helperUid, agentGid: gid, ...page };
  return { elevation: [], helperUid, agentGid: agentId, agentUid: agentId, ...page };
}

function prepare(uid: number): void {
  const missing = ensureSystemPackages('run');
  if (missing.length > 0)
    throw new Error(`the helper cannot run without ${missing.join(', ')}; install it and start again`);
  const build = spawnSync(process.execPath, [inCheckout('scripts/build.ts')], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (build.status !== 0) throw new Error('the build failed; its message is above');
  if (uid === 0) return;
  if (!hasCommand('sudo')) {
    throw new Error(
      `sudo is not installed, and the helper has to start as root. As root, run: npm --prefix ${inCheckout()} start`,
    );
  }
  progress(
    'sudo asks for your password now: the helper opens the tracing session as root, and gives root up after that',
  );
}

function startPrivilegedPart(plan: Plan, agentFolder: string, helperArguments: readonly string[]): ChildProcess {
  const files = FILES.flatMap((file) => ['--file', file]);
  const folder = ['--agent-folder', agentFolder, ...(plan.page === undefined ? [] : ['--page', plan.page])];
  const part = [inCheckout('scripts/start/privileged.ts'), '--starter', String(process.pid), ...folder, ...files];
  const identity = ['--user', String(plan.helperUid), '--group', String(plan.agentGid)];
  const [program = '', ...args] = [...plan.elevation, process.execPath, ...part, '--', ...identity, ...helperArguments];
  return spawn(program, args, { stdio: ['pipe', 'inherit', 'inherit'] });
}

/**
 * Runs the agent from the same place as the helper: a checkout may lie where only root can read, as in /root, and the
 * agent loads nothing that others can write. setpriv takes away what the agent does not need, and ends it should this
 * script be killed outright.
 */
function startAgent(plan: Plan, stage: Stage): ChildProcess {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => AGENT_VARIABLES.includes(name)));
  const { agentUid, agentGid } = plan;
  const identity =
    agentUid === undefined ? [] : ['--reuid', String(agentUid), '--regid', String(agentGid), '--clear-groups'];
  const args = [
    '--pdeathsig',
    'TERM',
    '--no-new-privs',
    ...identity,
    '--',
    path.join(stage.folder, 'probes-agent'),
    'run',
    '--config',
    stage.agentConfig,
  ];
  return spawn('setpriv', args, { cwd: '/', env, stdio: ['ignore', 'inherit', 'inherit'] });
}

/** Opens the page in a browser, where there is one. On a terminal the agent prints the address, so that nothing depends on this. */
async function openPage(agentFolder: string, signal: AbortSignal): Promise<void> {
  if (!canOpenBrowser(process.env)) return;
  const url = await pageUrl(agentFilesIn(agentFolder).control, signal);
  if (url === undefined) return;
  try {
    openInBrowser(url, agentFolder);
  } catch (error) {
    complain(`no browser was opened: ${messageOf(error)}`);
  }
}

/** Resolves when the helper serves its socket; stops looking when `signal` is raised. */
async function served(socket: string, signal: AbortSignal): Promise<'served'> {
  while (!existsSync(socket) && !signal.aborted) await sleep(50);
  return 'served';
}

/** Says what one is looking at, and what to try. */
function introduce({ socket }: Stage, { events, control }: AgentFiles, { page }: Plan): void {
  progress(`Live events from ${socket}: every program that starts on this machine, as it starts.`);
  progress(
    'Rows in red or yellow are alerts, and end with the rule that matched. Programs that already ran are left out.',
  );
  progress(`The same as JSON lines, until you end this: ${events}`);
  progress('Try in another terminal:');
  for (const [command, meaning] of [
    ["sh -c 'echo | base64 -d | sh'", 'an alert that does no harm: it decodes an empty script, and runs it'],
    ...(hasCommand('curl') ? [['curl -s file:///dev/null | sh', 'another: two programs that are harmless alone']] : []),
    [`${AGENT} status --socket ${control}`, 'how all of this is doing'],
    ...(page === undefined
      ? []
      : [[`${AGENT} dashboard --socket ${control}`, 'the address of the page, for a browser']]),
  ])
    progress(`  ${command}   ${meaning}`);
  if (page === undefined) progress(`To see it in a browser as well, start it with: npm start -- ${PAGE_FLAG}`);
  progress('Ctrl-C ends helper and agent, and removes what they made.');
}

async function main(args: readonly string[]): Promise<void> {
  const helperArguments = args.filter((argument) => argument !== PAGE_FLAG);
  const uid = process.getuid?.();
  const gid = process.getgid?.();
  if (process.platform !== 'linux' || uid === undefined || gid === undefined) {
    throw new Error(`npm start is for Linux; this is ${process.platform}`);
  }
  prepare(uid);
  const stage = stageOf(process.pid);
  const plan = await makePlan(uid, gid, args.includes(PAGE_FLAG));
  const agentFolder = makeAgentFolder(process.pid, { uid: plan.agentUid ?? uid, gid: plan.agentGid });
  try {
    await runBoth(plan, stage, agentFolder, helperArguments);
  } finally {
    removeAgentFolder(agentFolder);
  }
}

async function runBoth(
  plan: Plan,
  stage: Stage,
  agentFolder: string,
  helperArguments: readonly string[],
): Promise<void> {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<'stop'>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop('stop'));

  const helper = watch('helper', startPrivilegedPart(plan, agentFolder, helperArguments));
  const looking = new AbortController();
  const opening = new AbortController();
  let last = await Promise.race([stopped, helper.ended, served(stage.socket, looking.signal)]);
  looking.abort();
  let agent: Running | undefined;
  if (last === 'served') {
    introduce(stage, agentFilesIn(agentFolder), plan);
    agent = watch('agent', startAgent(plan, stage));
    if (plan.page !== undefined) void openPage(agentFolder, opening.signal);
    last = await Promise.race([stopped, helper.ended, agent.ended]);
    // Ctrl-C reaches the programs as well; one of them may end before this script gets the signal.
    if (last !== 'stop') last = await Promise.race([stopped, sleep(300, last)]);
    // Where the helper has ended as well, its files are gone, and that ended the agent.
    if (last !== 'stop') last = await Promise.race([helper.ended, last]);
  }
  opening.abort();
  // The helper first, so that the agent still reads what it flushes.
  helper.child.stdin?.end();
  await helper.ended;
  if (agent !== undefined) await endProgram(agent, AGENT_SECONDS);
  const answered = agent === undefined && last !== 'stop' && last.how === undefined;
  // A helper that ended well without serving had another order, such as --help.
  if (last !== 'stop' && !answered) {
    throw new Error(
      `the ${last.name} ended by itself (${last.how ?? 'exit code 0'}), so everything was stopped; its message is above`,
    );
  }
}

try {
  await main(withVariables(process.argv.slice(2)));
} catch (error) {
  complain(messageOf(error));
  process.exitCode = 1;
}
