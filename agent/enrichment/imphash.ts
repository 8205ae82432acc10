import { createHash } from 'node:crypto';
import { MAX_IMPHASH_BYTES, MAX_IMPORTED_DLLS, MAX_IMPORTED_FUNCTIONS } from './limits.ts';
import { ordinalName } from './ordinal-names.ts';
import { PeImage, unlessMalformed, type ReadAt } from './pe-image.ts';

const IMPORT_DIRECTORY = 1;
const DESCRIPTOR_BYTES = 20;

/** Longest name of a DLL or function, in bytes; longer ones are cut, as pefile does. */
const NAME_BYTES = 512;

/** Table entries that are read at once. */
const ENTRIES = 256;

const PIECE_BYTES = 16 * 1024;

/** Names with other characters do not count, as in pefile: no linker writes them. */
const FUNCTION = /^[A-Za-z0-9._?@$()<>]+$/;
const FILE = /^[A-Za-z0-9!#$%&'()\-@^_`{}~+,.;=[\]\\/]*$/;

/**
 * The import hash of a Windows program, in hexadecimal: MD5 of the functions that it imports, as `dll.function`, lower
 * case, in the order of its tables ("Tracking Malware with Import Hashing", Mandiant, 2014). Equal to that of pefile,
 * and so to what rules quote. Delayed imports do not count.
 *
 * Reads at most MAX_IMPHASH_BYTES of the file.
 * @returns undefined if the file is no such program, imports nothing, violates the format, or exceeds a bound
 */
export function imphash(readAt: ReadAt): string | undefined {
  return unlessMalformed(() => {
    const image = PeImage.read(inPieces(readAt));
    const directory = image?.directory(IMPORT_DIRECTORY);
    return image === undefined || directory === undefined ? undefined : hashImports(image, directory);
  });
}

function hashImports(image: PeImage, directory: number): string | undefined {
  const hash = createHash('md5');
  let entries = 0;
  let functions = 0;
  for (let i = 0; ; i++) {
    if (i > MAX_IMPORTED_DLLS) return undefined;
    const descriptor = image.read(directory + i * DESCRIPTOR_BYTES, DESCRIPTOR_BYTES);
    const dllAt = descriptor.readUInt32LE(12);
    const addresses = descriptor.readUInt32LE(16);
    // The loader stops here, too.
    if (dllAt === 0 || addresses === 0) break;
    const dll = textAt(image, dllAt).toLowerCase();
    if (dll === '') continue;
    const file = FILE.test(dll) ? dll : '*invalid*';
    const module = file.replace(/\.(?:dll|ocx|sys)$/, '');
    for (const entry of entriesOf(image, descriptor.readUInt32LE(0), addresses)) {
      if (++entries > MAX_IMPORTED_FUNCTIONS) return undefined;
      if ('ordinal' in entry && entry.ordinal === 0) continue;
      const name = 'ordinal' in entry ? ordinalName(file, entry.ordinal) : textAt(image, entry.nameAt);
      if (!FUNCTION.test(name)) continue;
      hash.update(`${functions++ === 0 ? '' : ','}${module}.${name.toLowerCase()}`);
    }
  }
  return functions === 0 ? undefined : hash.digest('hex');
}

type Entry = { readonly ordinal: number } | { readonly nameAt: number };

/**
 * The functions of one DLL: from the table of names, or, as some linkers write none, from that of addresses, which
 * is its copy until the image is loaded. In a hostile file they can be endless: the caller stops.
 */
function* entriesOf(image: PeImage, names: number, addresses: number): Generator<Entry> {
  const word = image.is64 ? 8 : 4;
  const hasNames = names !== 0 && image.read(names, word).some((byte) => byte !== 0);
  const table = hasNames ? names : addresses;
  for (let first = 0; ; first += ENTRIES) {
    const piece = image.read(table + first * word, ENTRIES * word);
    for (let at = 0; at < ENTRIES * word; at += word) {
      const low = piece.readUInt32LE(at);
      const high = image.is64 ? piece.readUInt32LE(at + 4) : low;
      if (low === 0 && high === 0) return;
      // A name follows a hint of two bytes.
      if (high < 0x8000_0000) yield { nameAt: low + 2 };
      else yield { ordinal: low & 0xffff };
    }
  }
}

function textAt(image: PeImage, address: number): string {
  const bytes = image.read(address, NAME_BYTES);
  if (bytes.length === 0) throw new RangeError('a name outside of the image');
  const end = bytes.indexOf(0);
  return bytes.latin1Slice(0, end === -1 ? bytes.length : end);
}

/**
 * Reads a file in pieces, each once, and keeps them: tables and names lie close together.
 * @throws RangeError from the reader returned, beyond MAX_IMPHASH_BYTES
 */
function inPieces(readAt: ReadAt): ReadAt {
  const pieces = new Map<number, Buffer>();
  const pieceAt = (index: number): Buffer => {
    let piece = pieces.get(index);
    if (piece === undefined) {
      if ((pieces.size + 1) * PIECE_BYTES > MAX_IMPHASH_BYTES) throw new RangeError('too much to read');
      piece = readAt(index * PIECE_BYTES, PIECE_BYTES);
      pieces.set(index, piece);
    }
    return piece;
  };
  return (offset, length) => {
    const parts: Buffer[] = [];
    for (let at = offset; at < offset + length;) {
      const index = Math.floor(at / PIECE_BYTES);
      const start = at - index * PIECE_BYTES;
      const part = pieceAt(index).subarray(start, start + offset + length - at);
      if (part.length === 0) break;
      parts.push(part);
      at += part.length;
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  };
}
