/**
 * Measures what the facts cost that an output asks for, for each event:
 *
 *   node_modules/.bin/node test/bench/facts/bench.ts [--json] [--rounds 7]
 *
 * The lists take turns in the same run. The hashing process is the real one; its processor time is not counted.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { configSchema } from '../../../agent/config/schema.ts';
import { takeBatch } from '../../../agent/delivery/batch.ts';
import { FactSelection } from '../../../agent/delivery/enriched-line.ts';
import { Log } from '../../../agent/delivery/log/log.ts';
import { DetectionCounters } from '../../../agent/detection/counters.ts';
import { Enrichment } from '../../../agent/enrichment/enrichment.ts';
import { FactFinder, hasProcess } from '../../../agent/enrichment/fact-finder.ts';
import { FACT_NAMES, type FactName } from '../../../agent/events/facts.ts';
import { Item } from '../../../agent/events/item.ts';
import { Redaction } from '../../../agent/redaction/redaction.ts';
import { Telemetry } from '../../../agent/telemetry/telemetry.ts';
import type { ExecEvent } from '../../../shared/events/exec.ts';
import { usualLine } from '../load-helper.ts';
import { median } from '../statistics.ts';
import { factsSection, type FactsFigures } from './section.ts';

const BATCHES = 8;
const BATCH = 64;
/** Milliseconds of processor time that one turn of one list lasts at least. */
const TURN_MS = 300;
const LIMITS = { bytes: 1024 * 1024, records: 10_000, ageMs: 0 };
/** Images that are there on every Linux. */
const IMAGES = ['/usr/bin/env', '/bin/sh', '/bin/cat', '/bin/ls'];

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '7' } },
});

const quiet = () => undefined;
const telemetry = new Telemetry({ debug: quiet, info: quiet, warn: quiet, error: quiet } as never);
const redaction = new Redaction(telemetry);
redaction.adopt(configSchema.parse({ outputs: [{ name: 'x', type: 'stdout' }] }).redaction);
const log = new Log();
const cursor = log.open({
  maxLagBytes: 1024 ** 3,
  alertsOnly: false,
  position: undefined,
  awaitsHashes: true,
  onMoved: quiet,
  onOvertaken: quiet,
  onResumed: quiet,
  onPositionUnknown: quiet,
});

/** A batch as the source brings it: lines side by side. */
function batchOf(first: number): { memory: Buffer; ends: number[] } {
  const ends: number[] = [];
  let text = '';
  for (let i = first; i < first + BATCH; i++) {
    const { ns: _, ...event } = JSON.parse(usualLine(i)) as ExecEvent;
    const line = { ...event, exe: IMAGES[i % IMAGES.length], uid: 0, euid: 0, time: new Date().toISOString() };
    text += `${JSON.stringify(line)}\n`;
    ends.push(Buffer.byteLength(text));
  }
  return { memory: Buffer.from(text), ends };
}

const batches = Array.from({ length: BATCHES }, (_, i) => batchOf(i * BATCH));
const itemsOf = ({ memory, ends }: { memory: Buffer; ends: number[] }): Item[] =>
  ends.map((end, i) => new Item(memory, ends[i - 1] ?? 0, end, i + 1, i + 1));

/** One list of facts, with all that finds them. */
class Row {
  readonly names: readonly FactName[];
  readonly micros: number[] = [];
  readonly #finder: FactFinder;
  readonly #enrichment = new Enrichment({ live: true });
  readonly #selection: FactSelection | undefined;
  bytes = 0;

  constructor(names: readonly FactName[]) {
    this.names = names;
    this.#enrichment.begin('5a0c81a2-2b5e-4f0f-9d4c-3a7f8f1f5e11');
    this.#finder = new FactFinder({
      enrichment: this.#enrichment,
      counters: new DetectionCounters().facts,
      redact: redaction,
      onFailure: (error) => {
        throw error;
      },
      onHashingFailed: (reason) => {
        throw new Error(reason);
      },
      hashing: {
        command: [process.execPath, fileURLToPath(new URL('../../../agent/main.ts', import.meta.url)), 'hash-images'],
      },
    });
    this.#selection = names.length === 0 ? undefined : new FactSelection(names);
  }

  async begin(): Promise<void> {
    await this.#finder.adopt(this.names, 1024 ** 3);
    for (const { event } of batches.flatMap(itemsOf)) {
      const { parent } = event as ExecEvent;
      this.#enrichment.tree.see({ ...(event as ExecEvent), ...parent, parent: { pid: 1 } });
    }
  }

  async turn(): Promise<void> {
    const start = cpuMicros();
    let events = 0;
    do {
      for (const batch of batches) {
        log.append(redaction.stage(this.#find(itemsOf(batch))));
        for (let wait = cursor.prepare(); wait !== undefined; wait = cursor.prepare()) await wait;
        this.bytes = this.#take() / BATCH;
      }
      events += BATCHES * BATCH;
    } while (cpuMicros() - start < TURN_MS * 1000);
    this.micros.push((cpuMicros() - start) / events);
  }

  /** As detection does without filters and rules. */
  #find(items: readonly Item[]): readonly Item[] {
    if (!this.#finder.isNeeded) return items;
    const found = items.map((item) => {
      const { event } = item;
      if (this.#finder.needsTree) this.#enrichment.tree.take(event);
      return hasProcess(event) ? this.#finder.addTo(item, event) : item;
    });
    this.#finder.flush();
    return found;
  }

  #take(): number {
    let bytes = 0;
    for (;;) {
      const batch = takeBatch(cursor, undefined, LIMITS, undefined, this.#selection);
      if (batch === undefined || batch === 'passed') return bytes;
      bytes += batch.lines.length;
      cursor.commit();
    }
  }

  end(): void {
    this.#finder.close();
  }
}

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

const rows = [[], ...FACT_NAMES.map((name) => [name]), FACT_NAMES].map((names) => new Row(names));
for (const row of rows) {
  await row.begin();
  await row.turn();
  row.micros.length = 0;
}
for (let round = 0; round < Number(values.rounds); round++) for (const row of rows) await row.turn();
for (const row of rows) row.end();
const figures = rows.map(({ names, micros, bytes }): FactsFigures => ({
  enrich: names.length === 0 ? 'none' : names.length === 1 ? names[0]! : 'all',
  micros: median(micros),
  bytes,
}));
process.stdout.write(values.json ? `${JSON.stringify({ figures })}\n` : factsSection({ figures }));
process.exit();
