import path from 'node:path';
import { getAsset, isSea } from 'node:sea';
import { Worker } from 'node:worker_threads';

/** What the thread gets when it is started. */
export interface WorkerInput {
  readonly addon: string;
  /** The library with the functions of event tracing. */
  readonly library: string;
  /** Of the ring that it fills. */
  readonly memory: SharedArrayBuffer;
}

export type FromWorker =
  | { readonly type: 'opened' }
  /** Nothing is read any more: why, in Windows' numbers; 0 when the session was stopped. */
  | { readonly type: 'ended'; readonly call: string; readonly status: number };

/** Name of the thread's program in the executable. */
const WORKER_ASSET = 'etw-worker.cjs';

/** The thread that reads the session. It is started once and told to open the trace again after each end. */
export class TraceThread {
  readonly #worker: Worker;

  /** @param onMessage gets every message; a thread that dies ends the process by an uncaught error */
  constructor(input: WorkerInput, onMessage: (message: FromWorker) => void) {
    const options = { workerData: input, env: {}, stdin: false };
    this.#worker = isSea()
      ? new Worker(getAsset(WORKER_ASSET, 'utf8'), { ...options, eval: true })
      : new Worker(path.join(import.meta.dirname, 'worker.ts'), options);
    this.#worker.on('message', onMessage);
    this.#worker.unref();
  }

  /** Opens the trace and reads it until it ends. */
  open(): void {
    // The rule means windows of a browser.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    this.#worker.postMessage('open');
  }
}
