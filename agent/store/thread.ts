import path from 'node:path';
import { getAsset, isSea } from 'node:sea';
import { Worker } from 'node:worker_threads';
import type { Position } from '../events/position.ts';
import type { SealState } from '../events/seal-state.ts';
import { THREAD_MEMORY } from './limits.ts';
import type { StoredBatch } from './partition.ts';

/** The settings of the thread, given at its start. */
export interface WorkerInput {
  readonly folder: string;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/** Requests to the thread, which answers one after the other. */
export type Request =
  | { readonly type: 'open' }
  | { readonly type: 'write'; readonly batch: StoredBatch }
  | { readonly type: 'commit'; readonly position: Position }
  | { readonly type: 'seals' }
  | { readonly type: 'close' };

export interface Answers {
  open: Position | undefined;
  write: undefined;
  commit: undefined;
  seals: SealState | undefined;
  close: undefined;
}

export type FromWorker =
  | { readonly type: 'answer'; readonly value?: unknown; readonly error?: string }
  | { readonly type: 'damaged'; readonly file: string; readonly reason: string }
  | { readonly type: 'untidy'; readonly reason: string };

/** The name of the thread's program in the executable. */
const WORKER_ASSET = 'store-worker.cjs';

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export interface ThreadListener {
  damaged(file: string, reason: string): void;
  /** Age or a log that a reader had held up could not be looked after; that is tried again. */
  untidy(reason: string): void;
}

/**
 * The thread that writes the store. SQLite blocks, up to a second when the disk is slow, and the other outputs must not wait
 * for that.
 */
export class StoreThread {
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  #died: Error | undefined;

  constructor(input: WorkerInput, listener: ThreadListener) {
    const options = { workerData: input, env: {}, stdin: false, resourceLimits: THREAD_MEMORY };
    this.#worker = isSea()
      ? new Worker(getAsset(WORKER_ASSET, 'utf8'), { ...options, eval: true })
      : new Worker(path.join(import.meta.dirname, 'worker.ts'), options);
    this.#worker.on('message', (message: FromWorker) => {
      if (message.type === 'damaged') listener.damaged(message.file, message.reason);
      else if (message.type === 'untidy') listener.untidy(message.reason);
      else this.#answered(message);
    });
    this.#worker.on('error', (error) => this.#end(error));
    this.#worker.on('exit', (code) => this.#end(new Error(`the thread of the store ended with status ${code}`)));
    this.#worker.unref();
  }

  /** @throws what the thread says, or that it has ended */
  ask<Type extends Request['type']>(
    request: Extract<Request, { type: Type }>,
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<Answers[Type]> {
    if (this.#died !== undefined) return Promise.reject(this.#died);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve: resolve as (value: unknown) => void, reject });
      this.#worker.postMessage(request, transfer);
      this.#worker.ref();
    });
  }

  #answered({ value, error }: Extract<FromWorker, { type: 'answer' }>): void {
    const { resolve, reject } = this.#waiting.shift()!;
    if (this.#waiting.length === 0) this.#worker.unref();
    if (error === undefined) resolve(value);
    else reject(new Error(error));
  }

  #end(error: Error): void {
    this.#died ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#died);
  }

  /** Ends the thread, after what it is doing. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
