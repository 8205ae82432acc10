import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';

const HEADER_BYTES = 28;
const VERSION = 1;
const SHA1 = 1;
const SHA1_BYTES = 20;

/** A file at the top of the archive; stored as it is. */
export interface ArchivedFile {
  readonly name: string;
  readonly data: Buffer;
}

/**
 * A xar archive, the container of flat packages: a header, a compressed table of
 * contents in XML, then the heap, whose first bytes are the table's SHA-1. Every macOS reads SHA-1. It finds damage;
 * only a signature proves where a package is from.
 * @param epoch seconds since 1970, for the archive's own date
 */
export function xar(files: readonly ArchivedFile[], epoch: number): Buffer {
  let offset = SHA1_BYTES;
  const entries = files.map(({ name, data }, i) => {
    const hash = sha1(data).toString('hex');
    const entry =
      `<file id="${i + 1}"><name>${escaped(name)}</name><type>file</type><mode>0644</mode><data><length>${data.length}</length><offset>${offset}</offset><size>${data.length}</size>` +
      `<encoding style="application/octet-stream"/><extracted-checksum style="sha1">${hash}</extracted-checksum><archived-checksum style="sha1">${hash}</archived-checksum></data></file>`;
    offset += data.length;
    return entry;
  });
  const date = new Date(epoch * 1000).toISOString().replace('.000Z', '');
  const table = Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>\n<xar><toc><creation-time>${date}</creation-time><checksum style="sha1"><offset>0</offset><size>${SHA1_BYTES}</size></checksum>${entries.join('')}</toc></xar>\n`,
  );
  const packed = deflateSync(table, { level: 9 });
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('xar!', 'latin1');
  header.writeUInt16BE(HEADER_BYTES, 4);
  header.writeUInt16BE(VERSION, 6);
  header.writeBigUInt64BE(BigInt(packed.length), 8);
  header.writeBigUInt64BE(BigInt(table.length), 16);
  header.writeUInt32BE(SHA1, 24);
  return Buffer.concat([header, packed, sha1(packed), ...files.map(({ data }) => data)]);
}

const sha1 = (data: Buffer): Buffer => createHash('sha1').update(data).digest();

const escaped = (text: string): string => text.replaceAll(/[&<>]/gu, (character) => `&#${character.codePointAt(0)};`);
