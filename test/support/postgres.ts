import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PATIENCE } from './pace.ts';
import { endWithUs } from './reaper.ts';

/** The account that Debian's package makes. PostgreSQL does not run as root. */
const ACCOUNT = 'postgres';
const AS_ACCOUNT = ['--reuid', ACCOUNT, '--regid', ACCOUNT, '--clear-groups'];

/** A PostgreSQL server in a temporary folder, on a Unix socket alone. Needs root, to become its account. */
export class Postgres implements AsyncDisposable {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'probes-postgres-'));
  #process: ChildProcess | undefined;

  async start(): Promise<this> {
    const [bin] = globSync('/usr/lib/postgresql/*/bin').toSorted().reverse();
    if (bin === undefined) throw new Error('there is no PostgreSQL server below /usr/lib/postgresql');
    spawnSync('chown', [ACCOUNT, this.#folder]);
    chmodSync(this.#folder, 0o700);
    const data = path.join(this.#folder, 'data');
    const made = this.#run(path.join(bin, 'initdb'), ['-D', data, '--no-sync', '-A', 'trust', '-E', 'UTF8']);
    if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
    const options = ['-D', data, '-k', this.#folder, '-c', 'listen_addresses=', '-c', 'fsync=off'];
    const child = spawn('setpriv', [...AS_ACCOUNT, path.join(bin, 'postgres'), ...options], {
      stdio: 'ignore',
      cwd: '/',
    });
    endWithUs(child);
    this.#process = child;
    for (let waited = 0; waited < 30_000 * PATIENCE && child.exitCode === null; waited += 100) {
      if (this.#psql('SELECT 1').status === 0) return this;
      await delay(100);
    }
    throw new Error(`PostgreSQL does not answer: ${this.#psql('SELECT 1').stderr}`);
  }

  /** Runs one statement. @throws with the server's message */
  run(sql: string): string {
    const { status, stdout, stderr } = this.#psql(sql);
    if (status !== 0) throw new Error(`${stderr}\n${sql}`);
    return stdout;
  }

  /** The rows of a query. */
  rows(sql: string): Array<Record<string, unknown>> {
    return JSON.parse(this.run(`SELECT COALESCE(json_agg(q), '[]') FROM (${sql}) AS q`)) as Array<
      Record<string, unknown>
    >;
  }

  /** A file that the server may read. */
  file(name: string, text: string): string {
    const file = path.join(this.#folder, name);
    writeFileSync(file, text);
    chmodSync(file, 0o644);
    return file;
  }

  #psql(sql: string): { status: number | null; stdout: string; stderr: string } {
    return this.#run('psql', ['-h', this.#folder, '-U', ACCOUNT, '-XAtq', '-v', 'ON_ERROR_STOP=1', '-c', sql]);
  }

  #run(program: string, args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
    return spawnSync('setpriv', [...AS_ACCOUNT, program, ...args], {
      encoding: 'utf8',
      cwd: '/',
      maxBuffer: 64 * 1024 * 1024,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#process;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      // SIGINT is PostgreSQL's fast shutdown.
      child.kill('SIGINT');
      await once(child, 'exit');
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
