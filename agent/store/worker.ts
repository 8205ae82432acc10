import { parentPort, workerData } from 'node:worker_threads';
import { reasonOf } from '../errors.ts';
import type { SealState } from '../events/seal-state.ts';
import { SealsInLines } from '../formats/seals-in-lines.ts';
import { isDamage, isFull } from './errors.ts';
import { TIDY_MS } from './limits.ts';
import type { FromWorker, Request, WorkerInput } from './thread.ts';
import { StoreWriter } from './writer.ts';

/** How far back the newest seal is looked for, in characters. One is there for each 4,096 numbers: some 4 MB. */
const MAX_SEAL_SEARCH = 64 * 1024 * 1024;

/** The thread that writes the store: it does what it is asked for, and tidies up now and then. */
function main(port: NonNullable<typeof parentPort>, input: WorkerInput): void {
  const say = (message: FromWorker): void => port.postMessage(message);
  const writer = new StoreWriter({
    ...input,
    onDamaged: (file, reason) => say({ type: 'damaged', file, reason }),
  });
  const answer = (request: Request): unknown => {
    switch (request.type) {
      case 'open':
        writer.open();
        setInterval(() => {
          try {
            writer.tidy();
          } catch (error) {
            say({ type: 'untidy', reason: reasonFor(error, input.folder) });
          }
        }, TIDY_MS);
        return writer.position;
      case 'write':
        return writer.write(request.batch);
      case 'commit':
        return writer.commit(request.position);
      case 'seals':
        return sealsOf(writer);
      case 'close':
        return writer.close();
    }
  };
  port.on('message', (request: Request) => {
    try {
      const value = answer(request);
      say({ type: 'answer', value });
    } catch (error) {
      say({ type: 'answer', error: reasonFor(error, input.folder) });
    }
  });
}

function reasonFor(error: unknown, folder: string): string {
  if (isFull(error)) return `${folder}: the disk is full; free some room, or lower store.max_bytes`;
  const reason = reasonOf(error);
  return reason.includes(folder) ? reason : `${folder}: ${reason}`;
}

function sealsOf(writer: StoreWriter): SealState | undefined {
  const seals = new SealsInLines();
  let left = MAX_SEAL_SEARCH;
  try {
    for (const line of writer.linesBackwards()) {
      if (seals.add(Buffer.from(line))) return seals.state;
      left -= line.length;
      if (left <= 0) return undefined;
    }
    return seals.stateFromTheFirst;
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

if (parentPort !== null) main(parentPort, workerData as WorkerInput);
