import type { VersionInfo } from '../rules/fields/lookups.ts';

/** Reads `length` bytes of a file at an offset; fewer at its end. */
export type ReadAt = (offset: number, length: number) => Buffer;

/** Bounds on the work that a file can cause; no real program comes near them. */
const MAX_SECTIONS = 96;
const MAX_ENTRIES = 256;
const MAX_RESOURCE_BYTES = 64 * 1024;
const MAX_STRINGS = 128;

const RT_VERSION = 16;
const RESOURCE_DIRECTORY = 2;
const SUBDIRECTORY = 0x8000_0000;

const NAMES: Readonly<Record<string, keyof VersionInfo>> = {
  OriginalFilename: 'originalFileName',
  FileVersion: 'fileVersion',
  FileDescription: 'description',
  ProductName: 'product',
  CompanyName: 'company',
};

interface Section {
  readonly address: number;
  readonly size: number;
  readonly offset: number;
}

/**
 * The version resource of a Windows program (PE format; VS_VERSIONINFO of the Windows
 * SDK), in its first language. Reads a bounded part of any file, and returns
 * undefined if the file violates the format.
 */
export function readVersionInfo(readAt: ReadAt): VersionInfo | undefined {
  try {
    const resource = findVersionResource(readAt);
    return resource === undefined ? undefined : parseStrings(resource);
  } catch (error) {
    // A read past the end of a buffer: the file contradicts itself.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function findVersionResource(readAt: ReadAt): Buffer | undefined {
  const dos = readAt(0, 64);
  if (dos.length < 64 || dos.readUInt16LE(0) !== 0x5a4d) return undefined;
  const header = readAt(dos.readUInt32LE(0x3c), 24 + 240 + 40 * MAX_SECTIONS);
  if (header.readUInt32LE(0) !== 0x4550) return undefined;
  const optional = 24;
  const magic = header.readUInt16LE(optional);
  if (magic !== 0x10b && magic !== 0x20b) return undefined;
  const directories = optional + (magic === 0x10b ? 96 : 112);
  if (header.readUInt32LE(directories - 4) <= RESOURCE_DIRECTORY) return undefined;
  const root = header.readUInt32LE(directories + 8 * RESOURCE_DIRECTORY);
  const sections = sectionsOf(header, optional + header.readUInt16LE(20), header.readUInt16LE(6));
  const start = fileOffset(sections, root);
  if (root === 0 || start === undefined) return undefined;

  // Type, name, language: three levels, each a list of entries.
  const type = entryAt(readAt, start, 0, RT_VERSION);
  const name = type === undefined ? undefined : entryAt(readAt, start, type);
  const language = name === undefined ? undefined : entryAt(readAt, start, name);
  if (language === undefined || language >= SUBDIRECTORY) return undefined;
  const data = readAt(start + language, 16);
  const offset = fileOffset(sections, data.readUInt32LE(0));
  return offset === undefined ? undefined : readAt(offset, Math.min(data.readUInt32LE(4), MAX_RESOURCE_BYTES));
}

function sectionsOf(header: Buffer, at: number, count: number): Section[] {
  return Array.from({ length: Math.min(count, MAX_SECTIONS) }, (_, i) => {
    const section = at + 40 * i;
    return {
      size: header.readUInt32LE(section + 16),
      address: header.readUInt32LE(section + 12),
      offset: header.readUInt32LE(section + 20),
    };
  });
}

function fileOffset(sections: readonly Section[], address: number): number | undefined {
  const section = sections.find(
    (candidate) => address >= candidate.address && address < candidate.address + candidate.size,
  );
  return section === undefined ? undefined : address - section.address + section.offset;
}

/**
 * Follows an entry of a resource directory: the entry with this number, or the first.
 * @param directory from the entry one level up, or 0 for the first level
 */
function entryAt(readAt: ReadAt, start: number, directory: number, id?: number): number | undefined {
  if (directory !== 0 && directory < SUBDIRECTORY) return undefined;
  const at = start + (directory % SUBDIRECTORY);
  const head = readAt(at, 16);
  const count = Math.min(head.readUInt16LE(12) + head.readUInt16LE(14), MAX_ENTRIES);
  const entries = readAt(at + 16, 8 * count);
  for (let i = 0; i < count; i++) {
    if (id === undefined || entries.readUInt32LE(8 * i) === id) return entries.readUInt32LE(8 * i + 4);
  }
  return undefined;
}

/** One node of the resource: a key, a value and children. Offsets into the resource. */
interface Node {
  readonly key: string;
  readonly valueAt: number;
  /** In the node's own units: characters for text. */
  readonly valueLength: number;
  readonly childrenAt: number;
  readonly end: number;
}

const aligned = (offset: number): number => (offset + 3) & ~3;

function nodeAt(bytes: Buffer, at: number, limit: number): Node | undefined {
  if (at + 6 > limit) return undefined;
  const length = bytes.readUInt16LE(at);
  const valueLength = bytes.readUInt16LE(at + 2);
  const isText = bytes.readUInt16LE(at + 4) === 1;
  const end = Math.min(at + length, limit);
  if (length < 6) return undefined;
  let keyEnd = at + 6;
  while (keyEnd + 1 < end && bytes.readUInt16LE(keyEnd) !== 0) keyEnd += 2;
  const valueAt = aligned(keyEnd + 2);
  return {
    key: bytes.toString('utf16le', at + 6, keyEnd),
    valueAt,
    valueLength,
    childrenAt: aligned(valueAt + valueLength * (isText ? 2 : 1)),
    end,
  };
}

function* childrenOf(bytes: Buffer, { childrenAt, end }: Node): Generator<Node> {
  let at = childrenAt;
  for (let count = 0; count < MAX_STRINGS; count++) {
    const node = nodeAt(bytes, at, end);
    if (node === undefined) return;
    yield node;
    at = aligned(node.end);
  }
}

function parseStrings(bytes: Buffer): VersionInfo | undefined {
  const root = nodeAt(bytes, 0, bytes.length);
  if (root?.key !== 'VS_VERSION_INFO') return undefined;
  const found: { -readonly [K in keyof VersionInfo]: VersionInfo[K] } = {};
  for (const info of childrenOf(bytes, root)) {
    if (info.key !== 'StringFileInfo') continue;
    const [table] = childrenOf(bytes, info);
    if (table === undefined) continue;
    for (const { key, valueAt, valueLength, end } of childrenOf(bytes, table)) {
      const name = NAMES[key];
      if (name === undefined) continue;
      const text = bytes.toString('utf16le', valueAt, Math.min(valueAt + 2 * valueLength, end)).split('\0', 1)[0] ?? '';
      if (text !== '') found[name] = text;
    }
  }
  return found;
}
