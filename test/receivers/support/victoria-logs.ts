import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, closeSync, copyFileSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ownPort } from '../../support/own-port.ts';
import { PATIENCE } from '../../support/pace.ts';
import { endWithUs } from '../../support/reaper.ts';
import { victoriaLogsProgram } from './victoria-logs-binary.ts';

/** `nobody` of Debian. */
const ACCOUNT = { uid: 65_534, gid: 65_534 };

/** How long rows that were sent may take until queries see them: the agent has to send them first. */
const VISIBLE_MS = 60_000;

/** A row as LogsQL answers: every value is text, and names of nested fields are joined by dots. */
export type LogRow = Readonly<Record<string, string>>;

/** A VictoriaLogs server in a temporary folder, on loopback alone; as root under an account of its own. */
export class VictoriaLogs implements AsyncDisposable {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'probes-victoria-logs-'));
  readonly #flags: readonly string[];
  readonly #account: typeof ACCOUNT | undefined = process.getuid?.() === 0 ? ACCOUNT : undefined;
  #port = 0;
  #process: ChildProcess | undefined;

  /** @param flags further ones of the server, such as `-insert.maxLineSizeBytes=1MiB` */
  constructor(flags: readonly string[] = []) {
    this.#flags = flags;
  }

  get port(): number {
    return this.#port;
  }

  /** HOST:PORT. */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get log(): string {
    return readFileSync(path.join(this.folder, 'log'), 'utf8');
  }

  /** Starts it; the second time on the same port, with what it had stored. */
  async start(): Promise<this> {
    if (this.#port === 0) await this.#prepare();
    const log = openSync(path.join(this.folder, 'log'), 'a');
    const child = spawn(
      path.join(this.folder, 'victoria-logs'),
      [
        `-httpListenAddr=${this.address}`,
        `-storageDataPath=${path.join(this.folder, 'data')}`,
        // Otherwise events older than a week are dropped, and answered with 200: those of tests are from 2023.
        '-retentionPeriod=100y',
        ...this.#flags,
      ],
      { stdio: ['ignore', log, log], cwd: this.folder, ...this.#account },
    );
    closeSync(log);
    endWithUs(child);
    this.#process = child;
    for (let waited = 0; waited < 30_000 * PATIENCE && child.exitCode === null; waited += 50) {
      try {
        if ((await fetch(`http://${this.address}/health`)).ok) return this;
      } catch {
        // Not yet.
      }
      await delay(50);
    }
    throw new Error(`VictoriaLogs does not answer:\n${this.log.slice(-4000)}`);
  }

  async #prepare(): Promise<void> {
    this.#port = await ownPort();
    // The cache may lie where the account cannot read.
    copyFileSync(victoriaLogsProgram(), path.join(this.folder, 'victoria-logs'));
    const data = path.join(this.folder, 'data');
    mkdirSync(data);
    for (const each of [this.folder, data])
      if (this.#account !== undefined) chownSync(each, this.#account.uid, this.#account.gid);
  }

  /** The rows of a query in LogsQL, in no order unless it sorts them. All of them, unless it limits them. */
  async query(logsql: string): Promise<LogRow[]> {
    const answer = await this.#post('/select/logsql/query', new URLSearchParams({ query: logsql }));
    return answer
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as LogRow);
  }

  /**
   * The same, as soon as the rows are what is wanted: queries see rows a second after they were taken.
   * @throws with their number, when that never comes
   */
  async queryUntil(logsql: string, isDone: (rows: readonly LogRow[]) => boolean): Promise<LogRow[]> {
    for (const deadline = performance.now() + VISIBLE_MS * PATIENCE; ; await delay(200)) {
      const rows = await this.query(logsql);
      if (isDone(rows)) return rows;
      if (performance.now() > deadline)
        throw new Error(
          `waited in vain for ${String(isDone)}; there are ${rows.length} rows\n${this.log.slice(-2000)}`,
        );
    }
  }

  /** A number of its own metrics; 0 where it has none. @param name with labels, as `/metrics` shows it */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`http://${this.address}/metrics`)).text();
    const line = text.split('\n').find((each) => each.startsWith(`${name} `));
    return line === undefined ? 0 : Number(line.slice(name.length));
  }

  async #post(where: string, body: URLSearchParams): Promise<string> {
    const response = await fetch(`http://${this.address}${where}`, { method: 'POST', body });
    const text = await response.text();
    if (!response.ok) throw new Error(`${where}: ${response.status} ${text}`);
    return text;
  }

  /** Ends it in the middle of what it does. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** Lets it write what it has, and end. */
  stop(): Promise<void> {
    return this.#end('SIGINT');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
