import { withFolders, type TreeEntry } from '../tools/tree.ts';

const DIRECTORY = 0o040000;
const REGULAR = 0o100000;
const TRAILER = 'TRAILER!!!';

/** A cpio archive in POSIX's portable format (odc), owned by root:wheel; the same bytes for the same entries. @param mtime seconds since 1970 */
export function cpio(entries: readonly TreeEntry[], mtime: number): Buffer {
  const records = [{ path: '', mode: 0o755 } as TreeEntry, ...withFolders(entries)].map(({ path, mode, data }, i) =>
    record(
      path === '' ? '.' : `./${path}`,
      {
        inode: i + 1,
        mode: (data === undefined ? DIRECTORY : REGULAR) | mode,
        links: data === undefined ? 2 : 1,
        mtime,
      },
      data,
    ),
  );
  return Buffer.concat([...records, record(TRAILER, { inode: 0, mode: 0, links: 1, mtime: 0 })]);
}

function record(
  name: string,
  { inode, mode, links, mtime }: { inode: number; mode: number; links: number; mtime: number },
  data: Buffer = Buffer.alloc(0),
): Buffer {
  const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0');
  const path = Buffer.from(`${name}\0`);
  // Magic, device, inode, mode, uid, gid, links, device of a device, time, length of name and of data.
  const head = `070707${octal(0, 6)}${octal(inode, 6)}${octal(mode, 6)}${octal(0, 6)}${octal(0, 6)}${octal(links, 6)}${octal(0, 6)}${octal(mtime, 11)}${octal(path.length, 6)}${octal(data.length, 11)}`;
  return Buffer.concat([Buffer.from(head, 'latin1'), path, data]);
}
