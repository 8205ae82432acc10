import { DEVICE_REFRESH_MS } from './limits.ts';

const MULTIPLE_UNC_PROVIDER = String.raw`\Device\Mup` + '\\';
/** Names that are links in the object manager: to a drive path, or to a share. */
const DOS_DEVICES = '\\??\\';
const DOS_UNC = '\\??\\UNC\\';
const SYSTEM_ROOT = '\\SystemRoot\\';

/** Returns the device of each drive, `['C:', '\Device\HarddiskVolume3']` (QueryDosDeviceW). */
export type DriveLookup = () => ReadonlyArray<readonly [drive: string, device: string]>;

/** Converts the kernel's NT paths to the paths that people and rules know. */
export class DevicePaths {
  readonly #lookup: DriveLookup;
  readonly #systemRoot: string;
  readonly #now: () => number;
  #drives: ReadonlyArray<readonly [drive: string, device: string]>;
  #lookedUp: number;

  /** @param systemRoot `C:\Windows` */
  constructor(lookup: DriveLookup, systemRoot: string, now: () => number = () => performance.now()) {
    this.#lookup = lookup;
    this.#systemRoot = systemRoot;
    this.#now = now;
    this.#drives = lookup();
    this.#lookedUp = now();
  }

  /** Converts a path. A path that no drive or share leads to, on a volume without a letter, stays unchanged. */
  toDrivePath(ntPath: string): string {
    if (ntPath.startsWith(DOS_UNC)) return `\\\\${ntPath.slice(DOS_UNC.length)}`;
    if (ntPath.startsWith(DOS_DEVICES)) return ntPath.slice(DOS_DEVICES.length);
    if (startsWithFolded(ntPath, SYSTEM_ROOT)) return `${this.#systemRoot}\\${ntPath.slice(SYSTEM_ROOT.length)}`;
    if (startsWithFolded(ntPath, MULTIPLE_UNC_PROVIDER)) return `\\\\${ntPath.slice(MULTIPLE_UNC_PROVIDER.length)}`;
    if (!ntPath.startsWith('\\')) return ntPath;
    return this.#onDrive(ntPath) ?? (this.#refresh() ? this.#onDrive(ntPath) : undefined) ?? ntPath;
  }

  #onDrive(ntPath: string): string | undefined {
    for (const [drive, device] of this.#drives) {
      if (startsWithFolded(ntPath, `${device}\\`)) return drive + ntPath.slice(device.length);
    }
    return undefined;
  }

  /** Drives come and go, but a path on none of them must not cost a look-up for every process. */
  #refresh(): boolean {
    if (this.#now() - this.#lookedUp < DEVICE_REFRESH_MS) return false;
    this.#lookedUp = this.#now();
    this.#drives = this.#lookup();
    return true;
  }
}

/** Compares names of devices without regard to case. */
function startsWithFolded(text: string, prefix: string): boolean {
  return text.length >= prefix.length && text.slice(0, prefix.length).toLowerCase() === prefix.toLowerCase();
}
