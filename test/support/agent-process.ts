import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecEvent } from '../../shared/events/exec.ts';
import type { ProbeEvent } from '../../shared/events/parse.ts';
import { parseEvent } from './events.ts';
import { CLIENT_GID, CLIENT_UID } from './helper-process.ts';
import { wholeLines } from './lines.ts';
import { endWithUs } from './reaper.ts';
import { PATIENCE } from './pace.ts';

/** Copies the built agent and what it loads to where every user can run it. */
export function copyAgent(folder: string): void {
  for (const name of ['probes-agent', 'koffi.node'])
    cpSync(path.resolve(import.meta.dirname, '../../dist', name), path.join(folder, name));
}

/** The built agent under a uid of its own, writing to a file in a folder of its own. */
export class AgentRun {
  readonly folder = mkdtempSync('/var/tmp/probes-agent-');
  readonly events = `${this.folder}/log/events.jsonl`;
  process: ChildProcess | undefined;
  #stderr = '';

  constructor() {
    chmodSync(this.folder, 0o755);
    mkdirSync(path.dirname(this.events));
    chownSync(path.dirname(this.events), CLIENT_UID, CLIENT_GID);
    copyAgent(this.folder);
  }

  /**
   * Starts it; by default with one output, the file.
   * @param more further lines of the configuration
   */
  start(socket: string, outputs = `  - { name: local, type: file, path: ${this.events} }\n`, more = ''): ChildProcess {
    const config = `${this.folder}/agent.yaml`;
    writeFileSync(config, `source: { socket: ${socket} }\n${more}outputs:\n${outputs}`);
    this.process = spawn(`${this.folder}/probes-agent`, ['run', '--config', config], {
      uid: CLIENT_UID,
      gid: CLIENT_GID,
      cwd: '/',
      env: {},
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    endWithUs(this.process);
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    return this.process;
  }

  /** Its log. */
  get log(): string {
    return this.#stderr;
  }

  /** The lines of the file that are whole, every one checked. */
  written(): ProbeEvent[] {
    return wholeLines(readFileSync(this.events, 'utf8')).map((line) => parseEvent(line) as ProbeEvent);
  }

  /** The execs of `program` whose last argument is `mark`. */
  marked(program: string, mark: string): ExecEvent[] {
    return this.written().filter(
      (event): event is ExecEvent => event.type === 'exec' && event.filename === program && event.argv?.at(-1) === mark,
    );
  }

  /** Waits until `found` holds; what it throws (no file yet, half a last line) counts as no. */
  async until(found: () => boolean, seconds = 30): Promise<void> {
    for (let waited = 0; waited < seconds * PATIENCE * 1000; waited += 50) {
      try {
        if (found()) return;
      } catch {
        // Not yet.
      }
      await delay(50);
    }
    throw new Error(`not seen within ${seconds * PATIENCE} s; the agent logged: ${this.#stderr.slice(-2000)}`);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const { process: agent } = this;
    if (agent !== undefined && agent.exitCode === null && agent.signalCode === null) {
      agent.kill(signal);
      // Not `exit`: what it logged last may not have been read by then.
      await once(agent, 'close');
    }
    return agent?.exitCode ?? null;
  }

  async remove(): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
