// An agent without a source: appends numbers from the first that its spool lacks, and writes what two outputs get to files. It is
// killed at any moment. `child.ts FOLDER RECEIVED batch|MILLISECONDS`
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { Delivery } from '../../../../agent/delivery/delivery.ts';
import { Log } from '../../../../agent/delivery/log/log.ts';
import { Spool } from '../../../../agent/delivery/spool/spool.ts';
import { TAKEN, type Batch, type Output } from '../../../../agent/outputs/output.ts';
import { recordingTelemetry } from '../../support/telemetry.ts';
import { events } from './support.ts';

const [folder = '', received = '', sync = ''] = process.argv.slice(2);
const { telemetry, raised } = recordingTelemetry();

/** Appends a line for each batch: the numbers in it. What was appended survives the process. */
class ToFile implements Output {
  readonly #path: string;
  readonly #pauseMs: number;
  readonly limits = { bytes: 1024 * 1024, records: 50, ageMs: 0 };

  constructor(name: string, pauseMs: number) {
    this.#path = join(received, name);
    this.#pauseMs = pauseMs;
  }

  async open(): Promise<void> {}
  async flush(): Promise<void> {}
  async close(): Promise<void> {}

  async send(batch: Batch) {
    if (this.#pauseMs > 0) await delay(this.#pauseMs);
    const numbers = Array.from({ length: batch.records }, (_, i) => {
      const { first, last } = batch.numbersOf(i);
      return batch.isGap(i) ? `${first}-${last}` : `${first}`;
    });
    appendFileSync(this.#path, `${numbers.join(' ')}\n`);
    return TAKEN;
  }
}

const log = new Log();
const spool = await Spool.open(log, {
  folder,
  maxBytes: 1024 ** 3,
  reserve: 0,
  whenFull: 'drop_oldest',
  sync: sync === 'batch' ? sync : Number(sync),
  telemetry,
  segmentBytes: 200_000,
  tailBytes: 1024 * 1024,
});
for (const [name, pauseMs] of [
  ['fast', 0],
  ['slow', 2],
] as const) {
  const output = new ToFile(name, pauseMs);
  const onReaderGone = (): void => undefined;
  const delivery = new Delivery({ name, output, maxLagBytes: 1024 * 1024, telemetry, onReaderGone });
  await delivery.open();
  delivery.attach(spool.source(name));
  delivery.start();
}
let next = log.begin({ bootId: 'boot', firstSeq: 1, lastSeq: Number.MAX_SAFE_INTEGER }) ?? 1;
const surprising = raised.filter(({ level }) => level !== 'info');
process.stdout.write(`${JSON.stringify({ next, surprising })}\n`);
for (;;) {
  const count = 1 + Math.floor(Math.random() * 40);
  log.append(events(next, count, { bytes: 200 }), next + count - 1);
  next += count;
  await turn();
  // The source is slower than the slower output now and then, so that it comes back to memory.
  if (Math.random() < 0.1) await delay(5);
}
