import { basename } from 'node:path';
import { crc32 } from 'node:zlib';
import { NO_NUMBER } from '../../events/item.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { quarantine } from './folder.ts';
import { BEGINNING, type BootSpan, type Place } from './place.ts';
import type { Damage } from './scanner.ts';
import { MAX_BOOTS, ordinalOf, type SegmentFile } from './segment-file.ts';
import { Segments } from './segments.ts';

/** Damages that are remembered, so that each is told once, however many outputs come across it. */
const MAX_TOLD = 1000;

/** The state that the parts of one open spool share. */
export class SpoolState {
  readonly folder: string;
  readonly id: string;
  readonly tag: number;
  readonly telemetry: Telemetry;
  readonly segments: Segments;
  boots: BootSpan[] = [];
  /** Records with a lower ordinal were dropped when the spool was full. */
  droppedTo = 0;
  /** The end of what the spool took. */
  end: Place = BEGINNING;
  /** The end of what was written. */
  written: Place = BEGINNING;
  /** Where the spool ended when it was opened, and where new records began: higher, when a place that was remembered was. */
  recoveredTo = BEGINNING.ordinal;
  opened: Place = BEGINNING;
  /** The ordinal up to which all survives a crash of the machine. */
  synced = 0;
  readonly #told = new Set<string>();

  constructor(folder: string, id: string, segments: readonly SegmentFile[], telemetry: Telemetry) {
    this.folder = folder;
    this.id = id;
    this.tag = crc32(id);
    this.telemetry = telemetry;
    this.segments = new Segments(segments);
  }

  /** A boot begins whose first number is `from`. */
  beginBoot(bootId: string | undefined, from: number): void {
    this.#endBoot(this.end);
    this.boots.push({ bootId, from, end: undefined });
    if (this.boots.length > MAX_BOOTS) this.boots.shift();
  }

  #endBoot(end: Place): void {
    const last = this.boots.at(-1);
    if (last === undefined || last.end !== undefined) return;
    const { through, events, notable } = end;
    this.boots[this.boots.length - 1] = { ...last, end: { through, events, notable } };
  }

  /** Says that a part of a file is damaged, and puts it aside. */
  async reportDamage({ path }: SegmentFile, { offset, end, reason }: Omit<Damage, 'kind'>): Promise<void> {
    const key = `${path} ${offset}`;
    if (this.#told.has(key)) return;
    if (this.#told.size >= MAX_TOLD) this.#told.clear();
    this.#told.add(key);
    this.telemetry.raiseRepeating('SpoolDamaged', key, { file: path, offset, bytes: end - offset, reason });
    const name = `${String(ordinalOf(basename(path)) ?? 0).padStart(16, '0')}-${offset}.bytes`;
    if (end > offset) await quarantine(this.folder, path, name, { offset, end });
  }

  /** Numbers up to here need not come from the source again. */
  get position(): { bootId: string; last: number } | undefined {
    const { bootId, through } = this.end;
    return bootId === undefined || through === NO_NUMBER ? undefined : { bootId, last: through };
  }
}
