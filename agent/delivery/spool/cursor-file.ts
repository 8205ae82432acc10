import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import * as z from 'zod';
import { reasonOf, systemCode } from '../../errors.ts';
import { NO_NUMBER } from '../../events/item.ts';
import { sealStateSchema, type SealState } from '../../events/seal-state.ts';
import type { Place } from './place.ts';
import { syncFolder } from './folder.ts';
import { FILE_MODE, openFile, SPOOL_VERSION } from './segment-file.ts';

/** Bytes of one copy. There are two, written in turn, so that one is whole whatever happens to the other. */
export const SLOT_BYTES = 2048;
const SPACE = 0x20;

const count = z.int().min(0);

const cursorSchema = z.object({
  version: z.int(),
  /** Rises with each write: the higher of two copies counts. */
  serial: count,
  spool: z.string(),
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
 * Where an output remembers its place in the spool: two copies in one file of fixed size, written in place. That needs no
 * room on a full disk, and costs one write; a kill in the middle of it leaves the other copy.
 */
export class CursorFile {
  readonly #path: string;
  #file: FileHandle | undefined;
  #serial = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Reads the place. Never throws: without one the output begins with the oldest record. */
  async load(): Promise<LoadedCursor> {
    const loaded = await readCursor(this.#path);
    this.#serial = loaded.serial;
    return loaded;
  }

  /** What is saved survives the process; the machine, only after `sync`. @throws the system's error */
  async save({ spoolId, place, synced, seals }: CursorState): Promise<void> {
    const serial = ++this.#serial;
    const text = JSON.stringify({
      version: SPOOL_VERSION,
      serial,
      spool: spoolId,
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
    await file.write(slot, 0, SLOT_BYTES, (serial % 2) * SLOT_BYTES);
  }

  /** Makes what was saved survive a crash of the machine. @throws the system's error */
  async sync(): Promise<void> {
    await this.#file?.datasync();
  }

  async #open(): Promise<FileHandle> {
    try {
      return await openFile(this.#path, true);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
    const { O_RDWR, O_CREAT, O_EXCL } = constants;
    const file = await open(this.#path, O_RDWR | O_CREAT | O_EXCL, FILE_MODE);
    // Both copies take their room now, not when the disk is full.
    await file.write(Buffer.alloc(2 * SLOT_BYTES, ' '), 0, 2 * SLOT_BYTES, 0);
    await file.datasync();
    await syncFolder(dirname(this.#path));
    return file;
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }
}

/** Reads the newer whole copy. Never throws. */
export async function readCursor(path: string, uid?: number): Promise<LoadedCursor & { serial: number }> {
  const bytes = Buffer.alloc(2 * SLOT_BYTES);
  try {
    const file = await openFile(path, false, uid);
    try {
      await file.read(bytes, 0, bytes.length, 0);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return { serial: 0 };
    return { serial: 0, problem: `it cannot be read: ${reasonOf(error)}` };
  }
  const copies = [bytes.subarray(0, SLOT_BYTES), bytes.subarray(SLOT_BYTES)]
    .map(parse)
    .filter((copy) => copy !== undefined)
    .sort((a, b) => b.serial - a.serial);
  const [newest] = copies;
  if (newest === undefined) return isUnused(bytes) ? { serial: 0 } : { serial: 0, problem: 'it is damaged' };
  const { serial, version, spool, synced, seals, boot_id, notable_records, notable_bytes, ...counts } = newest;
  if (version !== SPOOL_VERSION) return { serial, problem: `it is of version ${version}, not ${SPOOL_VERSION}` };
  const place = {
    ...counts,
    bootId: boot_id ?? undefined,
    notableRecords: notable_records,
    notableBytes: notable_bytes,
  };
  return { serial, state: { spoolId: spool, synced, place, seals } };
}

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
