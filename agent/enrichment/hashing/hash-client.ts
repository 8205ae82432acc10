import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { reasonOf } from '../../errors.ts';
import { ownProgram } from '../../own-program.ts';
import type { HashAnswer } from './image-hasher.ts';
import { MAX_ASKED, MAX_UNENDED, RESTART_MS, SILENT_MS } from './limits.ts';
import { HASH_COMMAND, type HashReply, type HashRequest, type HashSettings } from './protocol.ts';

export interface HashClientOptions {
  readonly settings: HashSettings;
  /** Called when the process failed, was killed, or cannot be started. */
  readonly onFailed: (reason: string) => void;
  /** The command line of the process; the agent's own by default. */
  readonly command?: readonly [string, ...string[]];
  /** Other limits in tests alone, in milliseconds. */
  readonly silentMs?: number;
  readonly restartMs?: number;
}

/** Why a file was not hashed. */
export type NotAsked = 'skipped' | 'stuck';

type Child = ChildProcessByStdio<Writable, Readable, null>;

type Answered = (answer: HashAnswer | { readonly cause: NotAsked }) => void;

/**
 * The agent's side of the hashing process. Asks it for files, and waits for nothing. A process that is silent for long while it has work
 * hangs with its disk: it is killed, and another is started later.
 */
export class HashClient {
  readonly #options: HashClientOptions;
  #child: Child | undefined;
  readonly #asked = new Map<number, Answered>();
  readonly #watch: NodeJS.Timeout;
  readonly #ready = Promise.withResolvers<void>();
  #next = 0;
  #heardAt = 0;
  #restartAt = -Infinity;
  #unended = 0;
  #isClosed = false;

  constructor(options: HashClientOptions) {
    this.#options = options;
    const { silentMs = SILENT_MS } = options;
    this.#watch = setInterval(() => {
      if (this.#asked.size > 0 && performance.now() - this.#heardAt > silentMs) this.#kill();
    }, silentMs / 4).unref();
    this.#start();
  }

  /** Resolves when the process has begun to work, or cannot. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Files that are asked for and not answered. */
  get asked(): number {
    return this.#asked.size;
  }

  /** Asks for the hash of a file. Calls `answered` once: later, or at once where it cannot be asked for. */
  ask(path: string, answered: Answered): void {
    if (this.#child === undefined && performance.now() >= this.#restartAt) this.#start();
    if (this.#child === undefined || this.#asked.size >= MAX_ASKED) return answered({ cause: 'skipped' });
    if (this.#asked.size === 0) this.#heardAt = performance.now();
    const request: HashRequest = [this.#next++, path];
    this.#asked.set(request[0], answered);
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
  }

  #start(): void {
    const { command = [...ownProgram(), HASH_COMMAND], settings, restartMs = RESTART_MS } = this.#options;
    this.#restartAt = performance.now() + restartMs;
    if (this.#isClosed || this.#unended >= MAX_UNENDED) return;
    const [program, ...args] = command;
    let child: Child;
    try {
      child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'], env: {} });
    } catch (error) {
      return this.#cannotStart(error);
    }
    child.on('error', (error) =>
      child.pid === undefined ? this.#cannotStart(error) : this.#lost(child, reasonOf(error)),
    );
    // Without a process there may be no pipes either.
    if (child.pid === undefined) return;
    this.#child = child;
    this.#unended++;
    child.stdin.on('error', () => undefined);
    child.on('close', (code, signal) => this.#lost(child, `it ended with ${signal ?? `status ${code}`}`));
    child.once('exit', () => this.#unended--);
    createInterface({ input: child.stdout, crlfDelay: Infinity }).on('line', (line) => this.#hear(child, line));
    child.stdin.write(`${JSON.stringify(settings)}\n`);
  }

  #cannotStart(error: unknown): void {
    this.#ready.resolve();
    this.#options.onFailed(`it cannot be started: ${reasonOf(error)}`);
  }

  #hear(child: Child | undefined, line: string): void {
    if (child !== this.#child) return;
    this.#heardAt = performance.now();
    const reply = replyIn(line);
    if (reply === undefined) return this.#kill();
    if (reply === null) return this.#ready.resolve();
    const [asker, answer] = reply;
    const answered = this.#asked.get(asker);
    this.#asked.delete(asker);
    answered?.(answer);
  }

  /** It does not say anything, or says what nobody understands. */
  #kill(): void {
    const child = this.#child;
    if (child === undefined) return;
    child.kill('SIGKILL');
    this.#lost(child, 'it did not answer, perhaps since a disk hangs; it was killed');
  }

  #lost(child: Child | undefined, reason: string): void {
    if (child !== this.#child) return;
    // It may leave others behind that hold its pipes.
    child?.stdin.destroy();
    child?.stdout.destroy();
    this.#child = undefined;
    this.#restartAt = performance.now() + (this.#options.restartMs ?? RESTART_MS);
    this.#ready.resolve();
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const answered of asked) answered({ cause: 'stuck' });
    if (!this.#isClosed) this.#options.onFailed(reason);
  }

  /** Ends the process; files that were asked for are answered without a hash. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#watch);
    const child = this.#child;
    child?.stdin.end();
    child?.kill('SIGKILL');
    this.#lost(child, '');
  }
}

/** @returns undefined where it is no reply */
function replyIn(line: string): HashReply | undefined {
  try {
    const reply: unknown = JSON.parse(line);
    if (reply === null) return null;
    const [asker, answer] = reply as [unknown, { readonly sha256?: unknown; readonly cause?: unknown }];
    const isAnswer = typeof answer.cause === 'string' || typeof answer.sha256 === 'string';
    return typeof asker === 'number' && isAnswer ? (reply as HashReply) : undefined;
  } catch {
    return undefined;
  }
}
