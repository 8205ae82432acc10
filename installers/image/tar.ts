import type { TreeEntry } from '../tools/tree.ts';

const BLOCK = 512;
/** Bytes of the fields `name`, `linkname` and `prefix`. */
const NAME = 100;
const LINK = 100;
const PREFIX = 155;

/**
 * A tar archive (ustar, POSIX.1-2017 pax "ustar Interchange Format") of the entries in their order. All belong to
 * root and are of 1970, so that the same files give the same bytes whenever and by whomever it is made.
 * @throws {Error} when a path is too long for the format
 */
export function tar(entries: readonly TreeEntry[]): Buffer {
  const parts = entries.flatMap((entry) => {
    const data = entry.data ?? Buffer.alloc(0);
    return [header(entry, data.length), data, Buffer.alloc((BLOCK - (data.length % BLOCK)) % BLOCK)];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

function header({ path, mode, data, link }: TreeEntry, bytes: number): Buffer {
  const isFolder = data === undefined && link === undefined;
  const { name, prefix } = split(isFolder ? `${path}/` : path);
  if (Buffer.byteLength(link ?? '') > LINK) throw new Error(`tar: ${path} leads to a path of more than ${LINK} bytes`);
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, width: number): void => {
    block.write(value.toString(8).padStart(width - 1, '0'), at, 'latin1');
  };
  block.write(name, 0);
  octal(mode, 100, 8);
  octal(0, 108, 8); // user
  octal(0, 116, 8); // group
  octal(bytes, 124, 12);
  octal(0, 136, 12); // time
  block.write('        ', 148, 'latin1'); // the checksum counts itself as spaces
  block.write(isFolder ? '5' : link === undefined ? '0' : '2', 156, 'latin1');
  block.write(link ?? '', 157);
  block.write('ustar\x0000', 257, 'latin1');
  block.write(prefix, 345);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** The two fields of a path: it may be cut at a slash only. */
function split(path: string): { name: string; prefix: string } {
  const bytes = Buffer.from(path);
  if (bytes.length <= NAME) return { name: path, prefix: '' };
  const cut = bytes.indexOf('/', bytes.length - NAME - 1);
  if (cut <= 0 || cut > PREFIX || cut >= bytes.length - 1)
    throw new Error(`tar: ${path} is too long: at most ${NAME} bytes after a slash, and ${PREFIX} before it`);
  return { name: bytes.toString('utf8', cut + 1), prefix: bytes.toString('utf8', 0, cut) };
}
