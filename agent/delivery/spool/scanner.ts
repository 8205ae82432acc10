import type { FileHandle } from 'node:fs/promises';
import { decodeHeader, decodeIndex, HEADER_BYTES, isWhole, MAGIC, type FrameHeader, type FrameIndex } from './frame.ts';
import { readSegmentHeader, type SegmentHeader } from './segment-file.ts';

const READ_BYTES = 256 * 1024;

/** A whole frame in a file. */
export interface ScannedFrame {
  readonly kind: 'frame';
  readonly offset: number;
  readonly end: number;
  readonly header: FrameHeader;
  readonly index: FrameIndex;
  /** Good until the scanner goes on. */
  readonly lines: Buffer;
}

/** Bytes that are no whole frame. The next frame, if there is one, begins at `end`. */
export interface Damage {
  readonly kind: 'damage';
  readonly offset: number;
  readonly end: number;
  readonly reason: string;
}

/**
 * Reads the frames of a segment's file, one after the other. Damaged bytes are passed over up to the next good frame: the
 * length of a frame is believed when its header is whole; else the file is searched for the next header.
 */
export class FrameScanner {
  readonly #file: FileHandle;
  readonly #tag: number;
  readonly #size: number;
  #offset: number;
  #buffer = Buffer.alloc(0);
  #bufferAt = 0;

  /** @param size bytes of the file that may be read */
  constructor(file: FileHandle, { tag, size, offset = 0 }: { tag: number; size: number; offset?: number }) {
    this.#file = file;
    this.#tag = tag;
    this.#size = size;
    this.#offset = offset;
  }

  /** Where the next frame begins. */
  get offset(): number {
    return this.#offset;
  }

  /** Passes the segment's header. @returns undefined when it is damaged: its bytes are then the first damage */
  async header(): Promise<SegmentHeader | undefined> {
    const found = await readSegmentHeader(this.#file).catch((error: unknown) => {
      if (error instanceof Error && 'syscall' in error) throw error;
      return undefined;
    });
    this.#offset = found?.bytes ?? 0;
    return found?.header;
  }

  /** @returns undefined at the end. @throws the system's error when the file cannot be read */
  async next(): Promise<ScannedFrame | Damage | undefined> {
    const offset = this.#offset;
    if (offset >= this.#size) return undefined;
    if (this.#size - offset < HEADER_BYTES) return this.#damage(this.#size, 'the file ends within a frame');
    const header = decodeHeader(await this.#bytes(offset, HEADER_BYTES), this.#tag);
    if (header === undefined)
      return this.#damage(await this.#findHeader(offset + 1), 'what is here is no header of a frame');
    const linesAt = offset + HEADER_BYTES + header.indexBytes;
    const end = linesAt + header.linesBytes;
    if (end > this.#size) return this.#damage(this.#size, 'the file ends within a frame');
    const payload = await this.#bytes(offset + HEADER_BYTES, end - offset - HEADER_BYTES);
    const packed = payload.subarray(0, header.indexBytes);
    const lines = payload.subarray(header.indexBytes);
    if (!isWhole(header, packed, lines)) return this.#damage(end, 'the checksum of a frame does not fit');
    try {
      const index = decodeIndex(packed, header);
      this.#offset = end;
      return { kind: 'frame', offset, end, header, index, lines };
    } catch {
      return this.#damage(end, 'the index of a frame cannot be read');
    }
  }

  #damage(end: number, reason: string): Damage {
    const offset = this.#offset;
    this.#offset = end;
    return { kind: 'damage', offset, end, reason };
  }

  /** @returns where the next whole header is, or the end */
  async #findHeader(from: number): Promise<number> {
    let at = from;
    while (this.#size - at >= HEADER_BYTES) {
      const bytes = await this.#bytes(at, Math.min(READ_BYTES, this.#size - at));
      const found = bytes.indexOf(MAGIC);
      if (found === -1) {
        at += bytes.length - MAGIC.length + 1;
        continue;
      }
      at += found;
      if (this.#size - at < HEADER_BYTES) break;
      if (decodeHeader(await this.#bytes(at, HEADER_BYTES), this.#tag) !== undefined) return at;
      at++;
    }
    return this.#size;
  }

  /** Bytes of the file; they are there. */
  async #bytes(offset: number, length: number): Promise<Buffer> {
    const from = offset - this.#bufferAt;
    if (from >= 0 && from + length <= this.#buffer.length) return this.#buffer.subarray(from, from + length);
    const buffer = Buffer.allocUnsafe(Math.min(Math.max(length, READ_BYTES), this.#size - offset));
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await this.#file.read(buffer, filled, buffer.length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    // A file that somebody has cut reads as zeros from there on: damage.
    buffer.fill(0, filled);
    this.#buffer = buffer;
    this.#bufferAt = offset;
    return buffer.subarray(0, length);
  }
}
