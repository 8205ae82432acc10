import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ownPort } from './own-port.ts';
import { endWithUs } from './reaper.ts';
import { PATIENCE } from './pace.ts';

/** A ClickHouse server in a temporary folder, on loopback alone. */
export class ClickHouse implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'probes-clickhouse-'));
  readonly #password: string;
  #port = 0;
  #process: ChildProcess | undefined;

  /** @param password of the user `probes` */
  constructor(password: string) {
    this.#password = password;
  }

  get port(): number {
    return this.#port;
  }

  /** Starts it; the second time with what it had stored. */
  async start(): Promise<this> {
    if (this.#port === 0) await this.#configure();
    const child = spawn('clickhouse-server', [`--config-file=${this.#folder}/config.xml`], {
      cwd: this.#folder,
      stdio: 'ignore',
    });
    endWithUs(child);
    this.#process = child;
    for (let waited = 0; waited < 30_000 * PATIENCE; waited += 50) {
      if (child.exitCode !== null) break;
      try {
        await this.query('SELECT 1');
        return this;
      } catch {
        await delay(50);
      }
    }
    throw new Error(`ClickHouse does not answer:\n${readFileSync(`${this.#folder}/log`, 'utf8').slice(-4000)}`);
  }

  async #configure(): Promise<void> {
    this.#port = await ownPort();
    const folder = this.#folder;
    mkdirSync(`${folder}/data`);
    writeFileSync(
      `${folder}/config.xml`,
      `<yandex><logger><level>warning</level><log>${folder}/log</log><errorlog>${folder}/errors</errorlog></logger>
<listen_host>127.0.0.1</listen_host><http_port>${this.#port}</http_port><tcp_port>${await ownPort()}</tcp_port>
<path>${folder}/data/</path><tmp_path>${folder}/tmp/</tmp_path><users_config>users.xml</users_config>
<default_profile>default</default_profile><default_database>default</default_database><mark_cache_size>100000000</mark_cache_size></yandex>\n`,
    );
    writeFileSync(
      `${folder}/users.xml`,
      `<yandex><profiles><default/></profiles><quotas><default/></quotas><users><probes><password>${this.#password}</password>
<networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></probes></users></yandex>\n`,
    );
  }

  /** The result of a query, as text. */
  async query(sql: string): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.#port}/`, {
      method: 'POST',
      body: sql,
      headers: { Authorization: `Basic ${Buffer.from(`probes:${this.#password}`).toString('base64')}` },
    });
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return text.replace(/\n$/u, '');
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
