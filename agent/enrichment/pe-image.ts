import { readSync } from 'node:fs';

/** Reads `length` bytes of a file at an offset; fewer at its end. */
export type ReadAt = (offset: number, length: number) => Buffer;

/** Reads an open file. */
export function readerOf(descriptor: number): ReadAt {
  return (offset, length) => {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, length, offset));
  };
}

/** The loader takes no more sections. */
const MAX_SECTIONS = 96;

const PE32 = 0x10b;
const PE32_PLUS = 0x20b;

/** The loader rounds offsets of sections down to this, unless the file says that its sections are packed closer. */
const SECTOR = 0x200;

/** A part of the file and the addresses that it is mapped to, relative to the image's base. */
interface Section {
  readonly address: number;
  /** Bytes of the mapping; those beyond `fileBytes` are zero. */
  readonly bytes: number;
  readonly offset: number;
  readonly fileBytes: number;
}

/**
 * The headers of a Windows program ("PE Format", Microsoft Learn), and what it looks like when it is mapped.
 * Every read is bounded, whatever the file claims.
 */
export class PeImage {
  /** Whether addresses have 64 bits. */
  readonly is64: boolean;
  readonly #readAt: ReadAt;
  readonly #directories: readonly number[];
  /** The headers, then the sections, as the file orders them. */
  readonly #sections: readonly Section[];

  private constructor(readAt: ReadAt, header: Buffer) {
    const optional = 24;
    this.#readAt = readAt;
    this.is64 = header.readUInt16LE(optional) === PE32_PLUS;
    const directories = optional + (this.is64 ? 112 : 96);
    const count = Math.min(header.readUInt32LE(directories - 4), 16);
    this.#directories = Array.from({ length: count }, (_, i) => header.readUInt32LE(directories + 8 * i));
    const headerBytes = header.readUInt32LE(optional + 60);
    this.#sections = [{ address: 0, bytes: headerBytes, offset: 0, fileBytes: headerBytes }, ...sectionsOf(header)];
  }

  /**
   * @returns undefined if the file is no such program
   * @throws RangeError if the file ends within its headers
   */
  static read(readAt: ReadAt): PeImage | undefined {
    const dos = readAt(0, 64);
    if (dos.length < 64 || dos.readUInt16LE(0) !== 0x5a4d) return undefined;
    const header = readAt(dos.readUInt32LE(0x3c), 24 + 240 + 40 * MAX_SECTIONS);
    if (header.readUInt32LE(0) !== 0x4550) return undefined;
    const magic = header.readUInt16LE(24);
    return magic === PE32 || magic === PE32_PLUS ? new PeImage(readAt, header) : undefined;
  }

  /** The address of a data directory; undefined if the image has none. */
  directory(index: number): number | undefined {
    const address = this.#directories[index];
    return address === 0 ? undefined : address;
  }

  /** Where in the file the byte at this address is; undefined if it is not in the file. */
  offsetOf(address: number): number | undefined {
    const section = this.#sectionAt(address);
    if (section === undefined || address - section.address >= section.fileBytes) return undefined;
    return address - section.address + section.offset;
  }

  /**
   * Reads mapped bytes: zeros where a section is longer than its part of the file, and fewer than `length` where
   * the section ends.
   */
  read(address: number, length: number): Buffer {
    const section = this.#sectionAt(address);
    if (section === undefined) return Buffer.alloc(0);
    const at = address - section.address;
    const bytes = Buffer.alloc(Math.min(length, section.bytes - at));
    const inFile = Math.min(bytes.length, section.fileBytes - at);
    if (inFile > 0) this.#readAt(section.offset + at, inFile).copy(bytes);
    return bytes;
  }

  /** Sections ascend. One that reaches into the next ends there. */
  #sectionAt(address: number): Section | undefined {
    return this.#sections.findLast(
      (section) => address >= section.address && address < section.address + section.bytes,
    );
  }
}

/** Does the work on a file; undefined if the file contradicts itself, so that a read goes past the end of a buffer. */
export function unlessMalformed<T>(work: () => T | undefined): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function sectionsOf(header: Buffer): Section[] {
  const optional = 24;
  const first = optional + header.readUInt16LE(20);
  const isPacked = header.readUInt32LE(optional + 36) < SECTOR;
  return Array.from({ length: Math.min(header.readUInt16LE(6), MAX_SECTIONS) }, (_, i) => {
    const section = first + 40 * i;
    const fileBytes = header.readUInt32LE(section + 16);
    const offset = header.readUInt32LE(section + 20);
    return {
      address: header.readUInt32LE(section + 12),
      bytes: Math.max(header.readUInt32LE(section + 8), fileBytes),
      offset: isPacked ? offset : offset - (offset % SECTOR),
      fileBytes,
    };
  });
}
