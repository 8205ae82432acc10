// node --import=tsx test/bench/spool.ts [--events 300000] [--rounds 5] [--folder /tmp]
//
// The cost of the spool to the agent: processor time of the whole process, user and system, for each event of 600 bytes from the
// log to an output that takes everything at once; without a spool and with one. Batches are as the helper brings them: 250
// events every 25 ms, or as many as a read of 256 KiB holds, one after the other.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Delivery } from '../../agent/delivery/delivery.ts';
import { Log } from '../../agent/delivery/log/log.ts';
import { Spool } from '../../agent/delivery/spool/spool.ts';
import { Item } from '../../agent/events/item.ts';
import { TAKEN, type Batch, type Output } from '../../agent/outputs/output.ts';
import { recordingTelemetry } from '../agent/support/telemetry.ts';

const EVENT_BYTES = 600;
const BURST = Math.floor((256 * 1024) / EVENT_BYTES);
const TURN = { events: 250, ms: 25 };
const MODES = ['off', 'sync: 1s', 'sync: batch'] as const;

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '300000' },
    rounds: { type: 'string', default: '5' },
    folder: { type: 'string', default: tmpdir() },
  },
});
const rounds = Number(values.rounds);

/** Items in memory that is used for each batch again, as the source's is. */
function batch(first: number, count: number, memory: Buffer): Item[] {
  return Array.from({ length: count }, (_, i) => {
    const number = first + i;
    return new Item(memory, i * EVENT_BYTES, (i + 1) * EVENT_BYTES, number, number);
  });
}

class Taker implements Output {
  records = 0;
  async open(): Promise<void> {}
  async flush(): Promise<void> {}
  async close(): Promise<void> {}
  async send(sent: Batch) {
    this.records += sent.records;
    return TAKEN;
  }
}

/** @returns microseconds of processor time for each event */
async function measure(
  mode: (typeof MODES)[number],
  events: number,
  perTurn: number,
  pauseMs: number,
): Promise<number> {
  const root = mkdtempSync(join(values.folder, 'spool-bench-'));
  const { telemetry } = recordingTelemetry();
  const log = new Log();
  const sync = mode === 'sync: batch' ? 'batch' : 1000;
  const spool =
    mode === 'off'
      ? undefined
      : await Spool.open(log, {
          folder: join(root, 'spool'),
          maxBytes: 1024 ** 3,
          reserve: 0,
          whenFull: 'drop_oldest',
          sync,
          telemetry,
        });
  const output = new Taker();
  const delivery = new Delivery({ name: 'a', output, maxLagBytes: 2 ** 25, telemetry, onReaderGone: () => undefined });
  await delivery.open();
  delivery.attach(spool?.source('a') ?? log);
  delivery.start();
  log.begin({ bootId: 'boot', firstSeq: 1, lastSeq: Number.MAX_SAFE_INTEGER });
  const memory = Buffer.alloc(perTurn * EVENT_BYTES, `${'x'.repeat(EVENT_BYTES - 1)}\n`);
  const before = process.cpuUsage();
  for (let first = 1; first <= events; first += perTurn) {
    log.append(batch(first, perTurn, memory), first + perTurn - 1);
    // The source waits for nobody, except that memory is bounded: here nothing may be lost.
    await (pauseMs > 0 ? delay(pauseMs) : turn());
    while (first - output.records > 20_000) await delay(1);
  }
  await delivery.close(new Promise(() => undefined));
  await spool?.close();
  const { user, system } = process.cpuUsage(before);
  if (output.records < events) throw new Error(`${output.records} of ${events} arrived`);
  rmSync(root, { recursive: true });
  return (user + system) / output.records;
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;

for (const { name, events, perTurn, pauseMs } of [
  { name: `burst of ${values.events}`, events: Number(values.events), perTurn: BURST, pauseMs: 0 },
  { name: `${(TURN.events * 1000) / TURN.ms} a second`, events: 20_000, perTurn: TURN.events, pauseMs: TURN.ms },
]) {
  const results = new Map<string, number[]>(MODES.map((mode) => [mode, []]));
  await measure('sync: 1s', 50_000, BURST, 0);
  for (let round = 0; round < rounds; round++)
    for (const mode of MODES) results.get(mode)!.push(await measure(mode, events, perTurn, pauseMs));
  for (const [mode, numbers] of results) {
    const off = median(results.get('off')!);
    const extra = mode === 'off' ? '' : `, ${(median(numbers) - off).toFixed(2)} more`;
    process.stdout.write(
      `${name}, spool ${mode}: ${median(numbers).toFixed(2)} µs of processor time an event${extra}\n`,
    );
  }
}
