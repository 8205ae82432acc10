import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as immediate, setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { wholeLines } from '../../support/lines.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The real program where the socket of a test belongs to root; otherwise the same with another owner to expect. */
const PROGRAM = process.getuid!() === 0 ? here('../../../agent/main.ts') : here('./run-agent.ts');

/** A command line of the agent, to be run in another way. */
export const agentCommand = (...args: string[]): string[] => [process.execPath, PROGRAM, ...args];

const PATIENCE_MS = 45_000;

/** A folder for one test's configuration and outputs. */
export class Workplace implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'probes-agent-'));
  readonly configFile = join(this.folder, 'agent.yaml');

  path(name: string): string {
    return join(this.folder, name);
  }

  /** A file that rotates, and the files that it was, oldest first. An agent that is killed while it rotates leaves out a number. */
  rotated(name: string): string[] {
    const numberOf = (file: string): number => (file === name ? 0 : Number(file.slice(name.length + 1)));
    return readdirSync(this.folder)
      .filter((file) => file === name || (file.startsWith(`${name}.`) && numberOf(file) > 0))
      .toSorted((a, b) => numberOf(b) - numberOf(a))
      .map((file) => this.path(file));
  }

  configure(text: string): void {
    writeFileSync(this.configFile, text);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** An agent as a process of its own. */
export class AgentProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  constructor(args: readonly string[], { env = {} }: { env?: NodeJS.ProcessEnv } = {}) {
    this.child = spawn(process.execPath, [PROGRAM, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], ...env },
    });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    // `close` rather than `exit`: by then everything that was written has been read.
    this.exited = new Promise((resolve) => {
      this.child.once('close', (code, signal) => resolve({ code, signal }));
    });
  }

  /** The internal events that the log holds so far. */
  get events(): Array<{ event: string; level: string; [field: string]: unknown }> {
    return wholeLines(this.stderr)
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as { event: string; level: string });
  }

  countOf(event: string): number {
    return this.events.filter((entry) => entry.event === event).length;
  }

  /** Resolves when `what` holds. @throws with everything the agent said, when it never does */
  async until(what: () => boolean): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!what()) {
      if (performance.now() > deadline)
        throw new Error(`waited in vain for ${String(what)}\nstdout:\n${this.stdout}\nstderr:\n${this.stderr}`);
      await delay(10);
    }
    // Read what the agent wrote before: it may still be in the pipes.
    for (let turn = 0; turn < 2; turn++) await immediate();
  }

  /** Asks it to end and resolves with its status. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal);
    return (await this.exited).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}
