import { createHash } from 'node:crypto';

// Mach-O and code signing structures: mach-o/loader.h and osfmk/kern/cs_blobs.h of xnu.
const MH_MAGIC_64 = 0xfeedfacf;
const HEADER_BYTES = 32;
const LC_SEGMENT_64 = 0x19;
const LC_CODE_SIGNATURE = 0x1d;
const LC_CODE_SIGNATURE_BYTES = 16;
const CSMAGIC_EMBEDDED_SIGNATURE = 0xfade0cc0;
const CSMAGIC_CODEDIRECTORY = 0xfade0c02;
const CS_ADHOC = 0x2;
/** The linker made this signature, without an identity; codesign(1) replaces it without --force. */
const CS_LINKER_SIGNED = 0x20000;
const CS_EXECSEG_MAIN_BINARY = 1n;
const CODE_DIRECTORY_VERSION = 0x20400;
const CODE_DIRECTORY_BYTES = 88;
const SUPER_BLOB_BYTES = 20;
const HASH_TYPE_SHA256 = 2;
const HASH_BYTES = 32;
const PAGE_BITS = 12;
const PAGE_BYTES = 1 << PAGE_BITS;
/** The size of a memory page on Apple's processors. Segments end at a page. */
const SEGMENT_ALIGNMENT = 0x4000;

interface Segment {
  /** Of its load command. */
  readonly at: number;
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
}

/**
 * Signs an executable ad hoc: with the hashes of its pages and no identity. Apple's processors run nothing without. It
 * must have no signature yet.
 * @param identifier names the program in its signature
 * @throws when the file is not a 64-bit Mach-O with room for one more load command
 */
export function signAdHoc(file: Buffer, identifier: string): Buffer {
  const { segments, end, commands } = loadCommands(file);
  const text = segments.find(({ name }) => name === '__TEXT');
  const linkEdit = segments.find(({ name }) => name === '__LINKEDIT');
  if (text === undefined || linkEdit === undefined || linkEdit.offset + linkEdit.bytes !== file.length)
    throw new Error('__LINKEDIT is not the end of the executable');
  if (!file.subarray(end, end + LC_CODE_SIGNATURE_BYTES).every((byte) => byte === 0))
    throw new Error('there is no room for the load command of a signature');

  const limit = align(file.length, 16);
  const pages = Math.ceil(limit / PAGE_BYTES);
  const name = Buffer.from(`${identifier}\0`);
  const bytes = align(SUPER_BLOB_BYTES + CODE_DIRECTORY_BYTES + name.length + pages * HASH_BYTES, 16);
  const signed = Buffer.concat([file, Buffer.alloc(limit - file.length)]);
  // The load commands say where the signature will be, and are signed themselves.
  signed.writeUInt32LE(commands + 1, 16);
  signed.writeUInt32LE(end - HEADER_BYTES + LC_CODE_SIGNATURE_BYTES, 20);
  [LC_CODE_SIGNATURE, LC_CODE_SIGNATURE_BYTES, limit, bytes].forEach((value, i) =>
    signed.writeUInt32LE(value, end + 4 * i),
  );
  const size = limit + bytes - linkEdit.offset;
  signed.writeBigUInt64LE(BigInt(align(size, SEGMENT_ALIGNMENT)), linkEdit.at + 32);
  signed.writeBigUInt64LE(BigInt(size), linkEdit.at + 48);

  const directory = codeDirectory(name, limit, pages, text);
  const blob = Buffer.alloc(SUPER_BLOB_BYTES);
  [
    CSMAGIC_EMBEDDED_SIGNATURE,
    SUPER_BLOB_BYTES + directory.length + pages * HASH_BYTES,
    1,
    0,
    SUPER_BLOB_BYTES,
  ].forEach((value, i) => blob.writeUInt32BE(value, 4 * i));
  const signature = Buffer.concat([blob, directory, ...pageHashes(signed)]);
  return Buffer.concat([signed, signature, Buffer.alloc(bytes - signature.length)]);
}

/** SHA-256 of each page; the last one may be short. */
function pageHashes(code: Buffer): Buffer[] {
  return Array.from({ length: Math.ceil(code.length / PAGE_BYTES) }, (_, i) =>
    createHash('sha256')
      .update(code.subarray(i * PAGE_BYTES, (i + 1) * PAGE_BYTES))
      .digest(),
  );
}

/** CS_CodeDirectory, with the name behind it; the hashes follow. */
function codeDirectory(name: Buffer, limit: number, pages: number, text: Segment): Buffer {
  const head = Buffer.alloc(CODE_DIRECTORY_BYTES);
  const hashes = CODE_DIRECTORY_BYTES + name.length;
  // magic, length, version, flags, hashOffset, identOffset, nSpecialSlots, nCodeSlots, codeLimit
  [
    CSMAGIC_CODEDIRECTORY,
    hashes + pages * HASH_BYTES,
    CODE_DIRECTORY_VERSION,
    CS_ADHOC | CS_LINKER_SIGNED,
    hashes,
    CODE_DIRECTORY_BYTES,
    0,
    pages,
    limit,
  ].forEach((value, i) => head.writeUInt32BE(value, 4 * i));
  head.set([HASH_BYTES, HASH_TYPE_SHA256, 0, PAGE_BITS], 36);
  // Then scatterOffset, teamOffset and codeLimit64, all 0.
  [BigInt(text.offset), BigInt(text.bytes), CS_EXECSEG_MAIN_BINARY].forEach((value, i) =>
    head.writeBigUInt64BE(value, 64 + 8 * i),
  );
  return Buffer.concat([head, name]);
}

function loadCommands(file: Buffer): { segments: Segment[]; end: number; commands: number } {
  if (file.length < HEADER_BYTES || file.readUInt32LE(0) !== MH_MAGIC_64)
    throw new Error('not a 64-bit Mach-O executable');
  const commands = file.readUInt32LE(16);
  const segments: Segment[] = [];
  let at = HEADER_BYTES;
  for (let i = 0; i < commands; i++) {
    const command = file.readUInt32LE(at);
    if (command === LC_CODE_SIGNATURE) throw new Error('the executable is signed already');
    if (command === LC_SEGMENT_64) {
      const name = file.toString('latin1', at + 8, at + 24).replaceAll('\0', '');
      segments.push({
        at,
        name,
        offset: Number(file.readBigUInt64LE(at + 40)),
        bytes: Number(file.readBigUInt64LE(at + 48)),
      });
    }
    at += file.readUInt32LE(at + 4);
  }
  return { segments, end: at, commands };
}

const align = (value: number, to: number): number => Math.ceil(value / to) * to;
