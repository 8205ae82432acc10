/** A member of an archive. */
export interface ArMember {
  readonly name: string;
  readonly data: Buffer;
}

const MAGIC = '!<arch>\n';
const HEADER_BYTES = 60;

/**
 * Reads an archive of the kind that a .deb is (deb(5)): names of at most 15 bytes, without a slash at their end.
 * @throws {Error} when it is none
 */
export function readAr(archive: Buffer): ArMember[] {
  if (archive.toString('latin1', 0, MAGIC.length) !== MAGIC) throw new Error('not an ar archive');
  const members: ArMember[] = [];
  for (let at = MAGIC.length; at < archive.length;) {
    const header = archive.toString('latin1', at, at + HEADER_BYTES);
    const bytes = Number(header.slice(48, 58));
    const begin = at + HEADER_BYTES;
    if (!header.endsWith('`\n') || !Number.isSafeInteger(bytes) || begin + bytes > archive.length)
      throw new Error(`an ar archive with a broken header at byte ${at}`);
    members.push({ name: header.slice(0, 16).trimEnd(), data: archive.subarray(begin, begin + bytes) });
    at = begin + bytes + (bytes % 2);
  }
  return members;
}

/** Writes one, with files of root that have mode 0644. @param epoch their time, in seconds since 1970 */
export function writeAr(members: readonly ArMember[], epoch: number): Buffer {
  return Buffer.concat([
    Buffer.from(MAGIC),
    ...members.flatMap(({ name, data }) => [
      Buffer.from(
        `${name.padEnd(16)}${String(epoch).padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(data.length).padEnd(10)}\`\n`,
      ),
      data,
      Buffer.alloc(data.length % 2, '\n'),
    ]),
  ]);
}
