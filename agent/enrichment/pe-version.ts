import type { VersionInfo } from '../rules/fields/lookups.ts';
import { PeImage, unlessMalformed, type ReadAt } from './pe-image.ts';

/** Bounds on the work that a file can cause; no real program comes near them. */
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

/**
 * The version resource of a Windows program (PE format; VS_VERSIONINFO of the Windows
 * SDK), in its first language. Reads a bounded part of any file, and returns
 * undefined if the file violates the format.
 */
export function readVersionInfo(readAt: ReadAt): VersionInfo | undefined {
  return unlessMalformed(() => {
    const resource = findVersionResource(readAt);
    return resource === undefined ? undefined : parseStrings(resource);
  });
}

function findVersionResource(readAt: ReadAt): Buffer | undefined {
  const image = PeImage.read(readAt);
  const root = image?.directory(RESOURCE_DIRECTORY);
  const start = root === undefined ? undefined : image?.offsetOf(root);
  if (image === undefined || start === undefined) return undefined;

  // Type, name, language: three levels, each a list of entries.
  const type = entryAt(readAt, start, 0, RT_VERSION);
  const name = type === undefined ? undefined : entryAt(readAt, start, type);
  const language = name === undefined ? undefined : entryAt(readAt, start, name);
  if (language === undefined || language >= SUBDIRECTORY) return undefined;
  const data = readAt(start + language, 16);
  const offset = image.offsetOf(data.readUInt32LE(0));
  return offset === undefined ? undefined : readAt(offset, Math.min(data.readUInt32LE(4), MAX_RESOURCE_BYTES));
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
