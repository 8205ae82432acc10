import type { TreeEntry } from '../tools/tree.ts';
import type { LinuxArchitecture } from './payload.ts';

/** Everything that a .deb or .rpm is made of. */
export interface PackageContents {
  readonly architecture: LinuxArchitecture;
  /** As in shared/version.ts. */
  readonly version: string;
  readonly payload: readonly TreeEntry[];
  /** The time of every file, in seconds since 1970. */
  readonly epoch: number;
}

/** Whether a file is the administrator's, as all below /etc are: an upgrade keeps changes. */
export function isConffile({ path: name, data }: TreeEntry): boolean {
  return data !== undefined && name.startsWith('etc/');
}
