/** A file or folder that an installer makes. It belongs to root. */
export interface TreeEntry {
  /** Relative to the root, without a slash at either end. */
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  /** Of a file; a folder has none. */
  readonly data?: Buffer;
  /** Of a symbolic link, in place of data: where it leads. */
  readonly link?: string;
}

/** The entries with all folders above them (0755), each once, a folder before its contents. */
export function withFolders(entries: readonly TreeEntry[]): TreeEntry[] {
  const all = new Map<string, TreeEntry>();
  for (const entry of entries) {
    const parts = entry.path.split('/');
    for (let depth = 1; depth < parts.length; depth++) {
      const path = parts.slice(0, depth).join('/');
      if (!all.has(path)) all.set(path, { path, mode: 0o755 });
    }
    all.set(entry.path, entry);
  }
  return [...all.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}
