import { readFileSync } from 'node:fs';
import { MOUNT_TABLE_MS } from './limits.ts';

/**
 * File systems that need no server or user-space program, which may have died (names as in
 * /proc/filesystems). Reading a file from any other can hang, and nothing can end that wait.
 * A file system that is not listed counts as remote.
 */
const LOCAL = new Set([
  'bcachefs',
  'btrfs',
  'erofs',
  'exfat',
  'ext2',
  'ext3',
  'ext4',
  'f2fs',
  'hfsplus',
  'iso9660',
  'jfs',
  'nilfs2',
  'ntfs',
  'ntfs3',
  'overlay',
  'ramfs',
  'reiserfs',
  'rootfs',
  'squashfs',
  'tmpfs',
  'udf',
  'vfat',
  'xfs',
  'zfs',
]);

/** Mount points on macOS: of network volumes, but also of disks. */
const MAC_VOLUMES = /^\/(?:Volumes|Network|net)\//;

/** A drive of this machine. Drive letters of shares belong to a user's logon session, so a service has none. */
const WINDOWS_DRIVE = /^[A-Za-z]:\\/;

/** Tells which files can be read without waiting for another machine or program. Never touches the file itself. */
export class LocalFiles {
  readonly #readTable: () => string;
  readonly #now: () => number;
  /** The type of the file system mounted last at each mount point. */
  #types: ReadonlyMap<string, string> = new Map();
  #readAt = -Infinity;

  /**
   * @param readTable text of proc_pid_mountinfo(5)
   * @param now milliseconds on a clock that never steps
   */
  constructor(
    readTable: () => string = () => readFileSync('/proc/self/mountinfo', 'utf8'),
    now: () => number = () => performance.now(),
  ) {
    this.#readTable = readTable;
    this.#now = now;
  }

  /** @param path absolute and without links, as the kernel reports an image */
  has(path: string, platform: NodeJS.Platform = process.platform): boolean {
    if (platform === 'win32') return WINDOWS_DRIVE.test(path);
    if (!path.startsWith('/')) return false;
    return platform === 'linux' ? this.#isLocal(path) : !MAC_VOLUMES.test(path);
  }

  /** A path leads through every mount point above the file, so all of them count. */
  #isLocal(path: string): boolean {
    this.#refresh();
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const type = this.#types.get(path.slice(0, end));
      if (type !== undefined && !LOCAL.has(type)) return false;
    }
    return LOCAL.has(this.#types.get('/') ?? '') && !this.#types.has(path);
  }

  #refresh(): void {
    if (this.#now() - this.#readAt < MOUNT_TABLE_MS) return;
    this.#readAt = this.#now();
    this.#types = typesOf(this.#readTable());
  }
}

/** `36 35 98:0 /root /mount\040point options … - type source …`: the mount point is the fifth field, and the type follows the lone dash. */
function typesOf(table: string): Map<string, string> {
  const types = new Map<string, string>();
  for (const line of table.split('\n')) {
    const [before = '', after = ''] = line.split(' - ', 2);
    const point = before.split(' ')[4];
    if (point !== undefined) types.set(unescape(point), after.split(' ', 1)[0]!);
  }
  return types;
}

/** Blanks and backslashes are octal escapes of bytes. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
