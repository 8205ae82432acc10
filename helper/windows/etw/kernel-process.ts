import { PayloadReader } from './payload.ts';

/** Event 1, ProcessStart, of Microsoft-Windows-Kernel-Process. */
export interface ProcessStart {
  readonly pid: number;
  /** FILETIME: 100 nanoseconds since 1601, UTC. */
  readonly created: bigint;
  readonly ppid: number;
  readonly session: number;
  /** NT path: `\Device\HarddiskVolume3\Windows\System32\cmd.exe`. */
  readonly image: string;
  /**
   * From version 3 on: numbers of the process and its parent. They count the processes of this boot, so each identifies
   * one.
   */
  readonly sequence?: bigint;
  readonly parentSequence?: bigint;
  readonly elevated?: boolean;
  /** The SID of the mandatory label, `S-1-16-8192`. */
  readonly label?: string;
}

/**
 * Reads the payload of versions 0 to 4 as the provider's manifest describes them. Reads a later version like 4: so far,
 * new fields between known ones came only with a new version number. Ignores data behind the last known field.
 * @throws {PayloadError} when a field is missing or broken
 */
export function readProcessStart(bytes: Buffer, version: number): ProcessStart {
  const reader = new PayloadReader(bytes);
  const withTokens = version >= 3;
  const pid = reader.u32();
  const sequence = withTokens ? reader.u64() : undefined;
  const created = reader.u64();
  const ppid = reader.u32();
  const parentSequence = withTokens ? reader.u64() : undefined;
  const session = reader.u32();
  if (version >= 1) reader.skip(4); // Flags
  if (sequence === undefined || parentSequence === undefined)
    return { pid, created, ppid, session, image: reader.wide() };
  reader.skip(4); // ProcessTokenElevationType
  const elevated = reader.u32() !== 0;
  const label = reader.sid();
  return { pid, created, ppid, session, image: reader.wide(), sequence, parentSequence, elevated, label };
}
