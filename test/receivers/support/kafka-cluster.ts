import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { LineSplitter } from '../../support/line-splitter.ts';
import { endWithUs } from '../../support/reaper.ts';

const SOURCE = path.resolve(import.meta.dirname, '../fixtures/kafka-cluster.c');
const PROGRAM = path.resolve(import.meta.dirname, '../../../build/fixtures/kafka-cluster');

function compiled(): string {
  if (existsSync(PROGRAM) && statSync(PROGRAM).mtimeMs > statSync(SOURCE).mtimeMs) return PROGRAM;
  mkdirSync(path.dirname(PROGRAM), { recursive: true });
  const fresh = `${PROGRAM}.${process.pid}`;
  const result = spawnSync('gcc', ['-O1', '-Wall', '-Wextra', '-Werror', '-o', fresh, SOURCE, '-lrdkafka'], {
    encoding: 'utf8',
  });
  if (result.status !== 0) throw new Error(`cannot compile ${SOURCE}: ${result.error?.message ?? result.stderr}`);
  renameSync(fresh, PROGRAM);
  return PROGRAM;
}

/** A record as kcat read it. */
export interface Consumed {
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly headers: string;
  readonly value: string;
  readonly event: Record<string, unknown>;
}

/** Mock brokers of librdkafka. They keep what they get in memory, the newest 5 MiB of each partition. */
export class KafkaCluster implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #addresses: string[] = [];

  constructor(brokers: number) {
    this.#child = spawn(compiled(), [String(brokers)], { stdio: ['pipe', 'pipe', 'ignore'] });
    endWithUs(this.#child);
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  async start(): Promise<this> {
    this.#addresses = (await this.#line()).split(',');
    return this;
  }

  /** HOST:PORT of each broker. */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /** Has the cluster obey one of the commands that test/receivers/fixtures/kafka-cluster.c lists. */
  async tell(command: string): Promise<void> {
    this.#child.stdin!.write(`${command}\n`);
    const answer = await this.#line();
    if (answer !== 'ok') throw new Error(`${command}: ${answer}`);
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('the cluster has ended');
    return value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin!.end();
    if (this.#child.exitCode === null) await new Promise((resolve) => this.#child.once('exit', resolve));
  }
}

/** kcat, a consumer of librdkafka, which reads a topic from its beginning on and checks the checksums. */
export class KafkaConsumer implements AsyncDisposable {
  readonly consumed: Consumed[] = [];
  readonly #child: ChildProcess;

  constructor(brokers: readonly string[], topic: string) {
    const settings = ['check.crcs=true', 'reconnect.backoff.max.ms=500'].flatMap((setting) => ['-X', setting]);
    const format = String.raw`%p\t%o\t%k\t%h\t%s\n`;
    const args = [
      '-C',
      '-E',
      '-q',
      '-u',
      '-b',
      brokers.join(),
      '-t',
      topic,
      '-o',
      'beginning',
      '-f',
      format,
      ...settings,
    ];
    this.#child = spawn('kcat', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    endWithUs(this.#child);
    // Whole lines only: a consumer that is ended leaves half a line.
    const splitter = new LineSplitter();
    this.#child.stdout!.on('data', (chunk: Buffer) => {
      for (const line of splitter.push(chunk)) this.#keep(Buffer.from(line).toString('utf8'));
    });
  }

  #keep(line: string): void {
    const [partition, offset, key, headers, value] = line.split('\t') as [string, string, string, string, string];
    const event = JSON.parse(value) as Record<string, unknown>;
    this.consumed.push({ partition: Number(partition), offset: Number(offset), key, headers, value, event });
  }

  /** Numbers of events and the first ones of gaps, in the order in which they were read; seals have none. */
  get seqs(): unknown[] {
    return this.consumed
      .filter(({ event: { type } }) => type !== 'seal')
      .map(({ event: { seq, first } }) => seq ?? first);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    if (this.#child.exitCode === null && this.#child.signalCode === null)
      await new Promise((resolve) => this.#child.once('exit', resolve));
  }
}
