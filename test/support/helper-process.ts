import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { PATIENCE } from './pace.ts';
import { endWithUs } from './reaper.ts';
import { stageHelper, type Flavour } from './staged.ts';

/** Ids that no account of a machine has: the helper becomes one, clients another. */
export const HELPER_UID = 64911;
export const CLIENT_UID = 64912;
export const CLIENT_GID = 64912;

/** A helper that runs for a test, on a socket of its own. */
export interface RunningHelper {
  readonly socket: string;
  readonly process: ChildProcess;
  readonly pid: number;
  /** Its standard error so far. */
  stderr(): string;
  /** Ends it with SIGTERM and gives the exit code. */
  stop(): Promise<number | null>;
}

const staged = new Map<Flavour, ReturnType<typeof stageHelper>>();
const running = new Set<ChildProcess>();
let count = 0;

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  for (const { folder } of staged.values()) rmSync(folder, { recursive: true, force: true });
});

/** The command that runs the helper, staged once for each test file. */
export function helperCommand(flavour: Flavour = 'built'): [string, ...string[]] {
  let stage = staged.get(flavour);
  if (stage === undefined) staged.set(flavour, (stage = stageHelper(flavour)));
  return stage.command;
}

/** Where the staged helper lies. */
export function helperFolder(flavour: Flavour = 'built'): string {
  helperCommand(flavour);
  return staged.get(flavour)?.folder ?? '';
}

/** Starts a helper and waits until it forwards. */
export async function startHelper(
  args: readonly string[] = [],
  { flavour = 'built' as Flavour, socket = '', wrapper = [] as string[] } = {},
): Promise<RunningHelper> {
  const path = socket || `/run/platform-probes-test-${process.pid}-${count++}/events.sock`;
  const [program, ...leading] = [...wrapper, ...helperCommand(flavour)] as [string, ...string[]];
  const child = spawn(
    program,
    [...leading, 'run', '--socket', path, '--user', String(HELPER_UID), '--group', String(CLIENT_GID), ...args],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  running.add(child);
  endWithUs(child);
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.on('exit', () => running.delete(child));
  for (let waited = 0; !/forwarding.*\n/u.test(stderr); waited += 20) {
    if (child.exitCode !== null || waited > 20_000 * PATIENCE) {
      child.kill('SIGKILL');
      throw new Error(`the helper did not start (${child.exitCode}): ${stderr}`);
    }
    await delay(20);
  }
  return {
    socket: path,
    process: child,
    pid: child.pid as number,
    stderr: () => stderr,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        // Not `exit`: what it printed last may not have been read by then.
        await once(child, 'close');
      }
      rmSync(path.slice(0, path.lastIndexOf('/')), { recursive: true, force: true });
      return child.exitCode;
    },
  };
}

/** Runs the helper to its end, for what it refuses. */
export async function runHelper(
  args: readonly string[],
  { flavour = 'built' as Flavour, uid = 0 } = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const [program, ...leading] = helperCommand(flavour);
  const child = spawn(program, [...leading, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    uid,
    gid: uid,
    timeout: 20_000 * PATIENCE,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await once(child, 'close');
  return { code: child.exitCode, stdout, stderr };
}

/** The lines of /proc/PID/status of every thread. */
export function threadStatuses(pid: number, threads: readonly string[]): Map<string, string>[] {
  return threads.map(
    (thread) =>
      new Map(
        readFileSync(`/proc/${pid}/task/${thread}/status`, 'latin1')
          .trimEnd()
          .split('\n')
          .map((line) => line.split(':\t', 2) as [string, string]),
      ),
  );
}
