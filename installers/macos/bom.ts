import { withFolders, type TreeEntry } from '../tools/tree.ts';

// A bill of materials (bom(5)): a store of numbered blocks, in which named variables lead to trees
// of paths. The format has no specification. The names are those of people who found out its fields. Every number is big-endian.

const TYPE = { file: 1, directory: 2 } as const;
const ARCHITECTURE = 3;
const LEAF_BYTES = 4096;
const INDEX_LEAF_BYTES = 128;
const HEADER_BYTES = 512;
/** Paths that one leaf holds; there is one leaf. */
const MOST_PATHS = Math.floor((LEAF_BYTES - 12) / 8);
const DIRECTORY = 0o040000;
const REGULAR = 0o100000;

const u16 = (...values: number[]): Buffer => numbers(2, values);
const u32 = (...values: number[]): Buffer => numbers(4, values);

function numbers(bytes: 2 | 4, values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(bytes * values.length);
  values.forEach((value, i) => buffer.writeUIntBE(value, bytes * i, bytes));
  return buffer;
}

/** The blocks of a store; block 0 is empty. */
class Blocks {
  readonly all: Buffer[] = [Buffer.alloc(0)];
  add(...parts: Buffer[]): number {
    return this.all.push(Buffer.concat(parts)) - 1;
  }
}

/** The bill of what a package installs, all of it root:wheel. @param mtime seconds since 1970 */
export function bom(entries: readonly TreeEntry[], mtime: number): Buffer {
  const all = [{ path: '', mode: 0o755 } as TreeEntry, ...withFolders(entries)];
  if (all.length > MOST_PATHS)
    throw new Error(`a bill of ${all.length} paths: it is written for ${MOST_PATHS} at most`);
  const blocks = new Blocks();
  const ids = new Map(all.map(({ path }, i) => [path, i + 1]));
  const leaves = all.map(({ path, mode, data }, i) => {
    const cut = path.lastIndexOf('/');
    const parent = path === '' ? 0 : (ids.get(cut === -1 ? '' : path.slice(0, cut)) as number);
    const name = path === '' ? '.' : path.slice(cut + 1);
    const type = data === undefined ? TYPE.directory : TYPE.file;
    const info = blocks.add(
      Buffer.from([type, 1]),
      u16(ARCHITECTURE, (data === undefined ? DIRECTORY : REGULAR) | mode),
      u32(0, 0, mtime, data?.length ?? 0),
      Buffer.from([1]),
      u32(data === undefined ? 0 : cksum(data), 0),
    );
    return {
      parent,
      name,
      value: blocks.add(u32(i + 1, info)),
      key: blocks.add(u32(parent), Buffer.from(`${name}\0`)),
    };
  });
  leaves.sort((a, b) => a.parent - b.parent || (a.name < b.name ? -1 : 1));

  const paths = tree(
    blocks,
    LEAF_BYTES,
    leaves.map(({ value, key }) => [value, key]),
  );
  const empty = (bytes: number): number => tree(blocks, bytes, []);
  const variables: [string, number][] = [
    ['BomInfo', blocks.add(u32(1, all.length + 1, 0))],
    ['Paths', paths],
    ['HLIndex', empty(LEAF_BYTES)],
    ['VIndex', blocks.add(u32(1, empty(INDEX_LEAF_BYTES), 0), Buffer.from([0]))],
    ['Size64', empty(LEAF_BYTES)],
  ];
  return store(blocks.all, variables);
}

/** A tree of one leaf. */
function tree(blocks: Blocks, leafBytes: number, pairs: readonly (readonly [value: number, key: number])[]): number {
  const leaf = Buffer.alloc(leafBytes);
  Buffer.concat([u16(1, pairs.length), u32(0, 0), ...pairs.map((pair) => u32(...pair))]).copy(leaf);
  return blocks.add(Buffer.from('tree'), u32(1, blocks.add(leaf), leafBytes, pairs.length), Buffer.from([0]));
}

function store(blocks: readonly Buffer[], variables: readonly (readonly [string, number])[]): Buffer {
  let at = HEADER_BYTES;
  const pointers = blocks.map((block, i) => {
    const pointer = u32(i === 0 ? 0 : at, block.length);
    at += block.length;
    return pointer;
  });
  const names = Buffer.concat([
    u32(variables.length),
    ...variables.map(([name, block]) => Buffer.concat([u32(block), Buffer.from([name.length]), Buffer.from(name)])),
  ]);
  // After the pointers comes a list of free ones, which is empty.
  const index = Buffer.concat([u32(blocks.length), ...pointers, u32(2, 0, 0, 0, 0)]);
  const header = Buffer.alloc(HEADER_BYTES);
  Buffer.concat([
    Buffer.from('BOMStore'),
    u32(1, blocks.length - 1, at + names.length, index.length, at, names.length),
  ]).copy(header);
  return Buffer.concat([header, ...blocks, names, index]);
}

const CRC = Uint32Array.from({ length: 256 }, (_, i) => {
  let crc = i << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc;
});

/** The checksum of cksum(1): CRC-32 of the bytes, then of their count. */
export function cksum(bytes: Buffer): number {
  let crc = 0;
  for (const byte of bytes) crc = (crc << 8) ^ (CRC[((crc >>> 24) ^ byte) & 0xff] as number);
  for (let count = bytes.length; count > 0; count = Math.floor(count / 256))
    crc = (crc << 8) ^ (CRC[((crc >>> 24) ^ count) & 0xff] as number);
  return ~crc >>> 0;
}
