import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NO_NUMBER } from '../../../agent/events/item.ts';
import type { StoredBatch } from '../../../agent/store/partition.ts';
import { StoreWriter, type WriterOptions } from '../../../agent/store/writer.ts';
import { execEvent } from '../../support/fake-helper.ts';

export const MIB = 1024 * 1024;
export const BOOT = '3f0c4d7e-5b0a-4f6e-9a53-1d1c8a1f0e11';

/** A folder for one test, made when it is first used. */
export class StoreFolder implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'probes-store-'));
  readonly folder = join(this.root, 'store');
  readonly damaged: string[] = [];

  writer(options: Partial<WriterOptions> = {}): StoreWriter {
    const writer = new StoreWriter({
      folder: this.folder,
      maxBytes: 256 * MIB,
      maxAgeMs: 30 * 86_400_000,
      onDamaged: (file, reason) => this.damaged.push(`${file}: ${reason}`),
      ...options,
    });
    writer.open();
    return writer;
  }

  /** A store with these events, closed. */
  with(...events: object[]): this {
    const writer = this.writer();
    writer.write(stored(events));
    writer.close();
    return this;
  }

  get bytes(): number {
    return bytesBelow(this.folder);
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

function bytesBelow(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).reduce((sum, entry) => {
    const stats = statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false });
    return sum + (stats?.isFile() === true ? stats.size : 0);
  }, 0);
}

let tokens = 0;

/** Events as a batch for the store. */
export function stored(events: readonly object[], { bootId = BOOT, token = `batch ${++tokens}` } = {}): StoredBatch {
  const lines = events.map((event) => Buffer.from(`${JSON.stringify({ ...event, boot_id: bootId })}\n`));
  let at = 0;
  return {
    token,
    lines: Buffer.concat(lines),
    ends: Uint32Array.from(lines, ({ length }) => (at += length)),
    bootId,
    last: events.reduce((last, event) => Math.max(last, (event as { seq?: number }).seq ?? NO_NUMBER), NO_NUMBER),
  };
}

/** Exec events with the numbers from `first` on. */
export const execs = (first: number, count: number, more: object = {}): object[] =>
  Array.from({ length: count }, (_, i) => ({ ...execEvent(first + i), ...more }));

/** The numbers in a store, in the order in which they were stored. */
export function numbersIn(writer: StoreWriter): number[] {
  return [...writer.linesBackwards()].map((line) => (JSON.parse(line) as { seq: number }).seq).reverse();
}
