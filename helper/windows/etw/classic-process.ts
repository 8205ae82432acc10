import { PayloadError, PayloadReader } from './payload.ts';

/** The classic kernel event Process, type Start (MOF class Process_V2_TypeGroup1 and later). */
export interface ClassicStart {
  readonly pid: number;
  readonly ppid: number;
  readonly session: number;
  /** Absent if the kernel had no token at hand. */
  readonly userSid?: string;
  /** The file name only, in the system's code page, cut by the kernel to 15 characters. */
  readonly leaf: string;
  readonly commandLine: string;
}

const OLDEST = 2;
/** TOKEN_USER on 64-bit systems: pointer and attributes precede the SID itself. */
const TOKEN_USER_BYTES = 16;

/**
 * Reads the payload on a 64-bit system. Reads versions above 4 like 4.
 * @throws {PayloadError} when a field is missing or broken, or the version is older than Windows Vista's
 */
export function readClassicStart(bytes: Buffer, version: number): ClassicStart {
  if (version < OLDEST) throw new PayloadError(`version ${version} is too old`);
  const reader = new PayloadReader(bytes);
  reader.skip(8); // UniqueProcessKey
  const pid = reader.u32();
  const ppid = reader.u32();
  const session = reader.u32();
  reader.skip(4); // ExitStatus
  if (version >= 3) reader.skip(8); // DirectoryTableBase
  if (version >= 4) reader.skip(4); // Flags
  const userSid = readUser(reader);
  const leaf = reader.ansi();
  return { pid, ppid, session, ...(userSid === undefined ? {} : { userSid }), leaf, commandLine: reader.wide() };
}

function readUser(reader: PayloadReader): string | undefined {
  if (reader.peek32() === 0) {
    reader.skip(4);
    return undefined;
  }
  reader.skip(TOKEN_USER_BYTES);
  return reader.sid();
}
