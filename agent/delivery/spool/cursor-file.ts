import { constants } from 'node:fs';
import { open, rename, type FileHandle } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import * as z from 'zod';
import { reasonOf, systemCode } from '../../errors.ts';
import { NO_NUMBER } from '../../events/item.ts';
import { sealStateSchema, type SealState } from '../../events/seal-state.ts';
import type { Place } from './place.ts';
import { CURSOR_SUFFIX, syncFolder } from './folder.ts';
import { FILE_MODE, openFile, SPOOL_VERSION } from './segment-file.ts';

/** Bytes of one copy. */
export const SLOT_BYTES = 2048;
/** Copies: the one that was forced to disk, the newest, and one to write the next into. */
export const SLOTS = 3;
const SPACE = 0x20;

const count = z.int().min(0);

const cursorSchema = z.object({
  version: z.int(),
  /** Rises with each write: the higher of two copies counts. */
  serial: count,
  spool: z.string(),
  /** The output whose place it is, so that the file of another is not taken for it; absent in files of older versions. */
  output: z.string().optional(),
  /** Frames up to this ordinal were surely on disk when this was written; the others a crash of the machine can take. */
  synced: count,
  ordinal: count,
  boot_id: z.string().nullable(),
  through: z.int().min(NO_NUMBER),
  events: count,
  notable: count,
  notable_records: count,
  bytes: count,
  notable_bytes: count,
  seals: sealStateSchema.optional(),
});

export interface CursorState {
  /** The id of the spool that it is a place in. */
  readonly spoolId: string;
  readonly place: Place;
  readonly synced: number;
  /** Of the output's seals at that place; undefined when it makes none. */
  readonly seals?: SealState | undefined;
}

/** A cursor that was read; or why there is none, where a file is. */
export interface LoadedCursor {
  readonly state?: CursorState;
  readonly problem?: string;
}

/**
 * Where an output remembers its place in the spool: three copies in one file of fixed size, written in place. That needs no
 * room on a full disk, and costs one write. A kill in the middle of it leaves the copy before it. A crash of the machine can tear
 * everything that was not forced to disk, so the copy that was forced last is not written over until another one is.
 * Calls come one after the other.
 */
export class CursorFile {
  readonly #path: string;
  #file: FileHandle | undefined;
  #serial = 0;
  /** The copy that was forced to disk, and the newest. */
  #safe = SLOTS - 1;
  #written = SLOTS - 1;

  constructor(path: string) {
    this.#path = path;
  }

  /** Reads the place. Never throws: without one the output begins with the oldest record. */
  async load(): Promise<LoadedCursor> {
    const loaded = await readCursor(this.#path);
    this.#serial = loaded.serial;
    this.#safe = this.#written = loaded.slot;
    return loaded;
  }

  /** A saved place survives the end of the process; a crash of the machine, only after `sync`. @throws the system's error */
  async save({ spoolId, place, synced, seals }: CursorState): Promise<void> {
    const serial = ++this.#serial;
    const text = JSON.stringify({
      version: SPOOL_VERSION,
      serial,
      spool: spoolId,
      output: outputOf(this.#path),
      synced,
      ordinal: place.ordinal,
      boot_id: place.bootId ?? null,
      through: place.through,
      events: place.events,
      notable: place.notable,
      notable_records: place.notableRecords,
      bytes: place.bytes,
      notable_bytes: place.notableBytes,
      seals,
    });
    const slot = Buffer.alloc(SLOT_BYTES, ' ');
    slot.write(`${checksum(text)} ${text}`);
    slot.write('\n', SLOT_BYTES - 1);
    const file = (this.#file ??= await this.#open());
    this.#written = [0, 1, 2].find((at) => at !== this.#safe && at !== this.#written)!;
    await file.write(slot, 0, SLOT_BYTES, this.#written * SLOT_BYTES);
  }

  /** Makes what was saved survive a crash of the machine. @throws the system's error */
  async sync(): Promise<void> {
    await this.#file?.datasync();
    this.#safe = this.#written;
  }

  async #open(): Promise<FileHandle> {
    try {
      const file = await openFile(this.#path, true);
      // An agent that was killed may not have forced the copy that counts. Where that fails now, so do later calls.
      await file.datasync().catch(() => undefined);
      return file;
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
    const { O_RDWR, O_CREAT, O_TRUNC, O_NOFOLLOW = 0 } = constants;
    // It gets its name when its bytes are on the disk: after a crash, a name without them would look like damage.
    const fresh = `${this.#path}.new`;
    const file = await open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, FILE_MODE);
    try {
      // All copies take their room now, not when the disk is full.
      await file.write(Buffer.alloc(SLOTS * SLOT_BYTES, ' '), 0, SLOTS * SLOT_BYTES, 0);
      await file.datasync();
      await rename(fresh, this.#path);
      await syncFolder(dirname(this.#path));
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }
}

/** Reads the newest whole copy. Never throws. @returns also its serial number, and which of the copies it is, counted from 0 */
export async function readCursor(path: string, uid?: number): Promise<LoadedCursor & { serial: number; slot: number }> {
  const bytes = Buffer.alloc(SLOTS * SLOT_BYTES);
  try {
    const file = await openFile(path, false, uid);
    try {
      await file.read(bytes, 0, bytes.length, 0);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return { serial: 0, slot: SLOTS - 1 };
    return { serial: 0, slot: SLOTS - 1, problem: `it cannot be read: ${reasonOf(error)}` };
  }
  let newest: ReturnType<typeof parse>;
  let slot = SLOTS - 1;
  for (let at = 0; at < SLOTS; at++) {
    const copy = parse(bytes.subarray(at * SLOT_BYTES, (at + 1) * SLOT_BYTES));
    if (copy === undefined || copy.serial <= (newest?.serial ?? -1)) continue;
    newest = copy;
    slot = at;
  }
  if (newest === undefined) return { serial: 0, slot, ...(isUnused(bytes) ? {} : { problem: 'it is damaged' }) };
  const { serial, version, spool, output, synced, seals, boot_id, notable_records, notable_bytes, ...counts } = newest;
  if (version !== SPOOL_VERSION) return { serial, slot, problem: `it is of version ${version}, not ${SPOOL_VERSION}` };
  if (output !== undefined && output !== outputOf(path))
    return { serial, slot, problem: `it is the place of the output ${output}` };
  const place = {
    ...counts,
    bootId: boot_id ?? undefined,
    notableRecords: notable_records,
    notableBytes: notable_bytes,
  };
  return { serial, slot, state: { spoolId: spool, synced, place, seals } };
}

const outputOf = (path: string): string => basename(path, CURSOR_SUFFIX);

/** Whether a file is as it was made: a crash came before a place was saved in it. */
const isUnused = (bytes: Buffer): boolean => bytes.every((byte) => byte === SPACE);

function parse(slot: Buffer): z.output<typeof cursorSchema> | undefined {
  const [, sum, text] = /^([0-9a-f]{8}) (\{.*\}) *\n$/u.exec(slot.toString('utf8')) ?? [];
  if (text === undefined || sum !== checksum(text)) return undefined;
  try {
    return cursorSchema.parse(JSON.parse(text));
  } catch {
    // Written by another program: as good as damaged.
    return undefined;
  }
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
