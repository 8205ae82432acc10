import path from 'node:path';
import { getAsset, isSea } from 'node:sea';
import { Worker } from 'node:worker_threads';

/** The thread's input at its start. */
export interface WorkerInput {
  readonly addon: string;
  /** The library with the functions of event tracing. */
  readonly library: string;
  /** Memory of the ring that it fills. */
  readonly memory: SharedArrayBuffer;
}

export type FromWorker =
  | { readonly type: 'opened' }
  /** Reading has ended: the reason, as a number of Windows; 0 when the session was stopped. */
  | { readonly type: 'ended'; readonly call: string; readonly status: number };

/** The name of the thread's program in the executable. */
const WORKER_ASSET = 'etw-worker.cjs';

/** The thread that reads the session. It is started once, and opens the trace again on request after each end. */
export class TraceThread {
  readonly #worker: Worker;

  /** @param onMessage gets every message; if the thread dies, an uncaught error ends the process */
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
    // The rule is about windows of a browser.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    this.#worker.postMessage('open');
  }
}
