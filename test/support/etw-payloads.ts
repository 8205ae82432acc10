/** Payloads as Windows documents them, for 64-bit systems, field by field. */

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};
const u64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
};
const wide = (text: string): Buffer => Buffer.from(`${text}\0`, 'utf16le');

/** S-1-16-8192 */
export const MEDIUM = Buffer.from([1, 1, 0, 0, 0, 0, 0, 16, 0, 0x20, 0, 0]);
/** S-1-5-21-1-2-3-1001 */
export const USER = Buffer.from([
  1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0xe9, 3, 0, 0,
]);

export const START = {
  pid: 4242,
  created: 133_500_000_000_000_000n,
  ppid: 17,
  session: 2,
  image: String.raw`\Device\HarddiskVolume3\Windows\System32\cmd.exe`,
  sequence: 900n,
  parentSequence: 800n,
};

/** ProcessStart of Microsoft-Windows-Kernel-Process, versions 0 to 4. */
export function processStart(
  version: number,
  { pid, created, ppid, session, image, sequence, parentSequence }: typeof START = START,
): Buffer {
  const tokens = version >= 3;
  return Buffer.concat([
    u32(pid),
    ...(tokens ? [u64(sequence)] : []),
    u64(created),
    u32(ppid),
    ...(tokens ? [u64(parentSequence)] : []),
    u32(session),
    ...(version >= 1 ? [u32(0)] : []),
    ...(tokens ? [u32(2), u32(1), MEDIUM] : []),
    wide(image),
    ...(version >= 2 ? [u32(1), u32(2), wide(''), wide('')] : []),
    ...(version >= 4 ? [u32(0x11)] : []),
  ]);
}

export const CLASSIC = { pid: 4242, ppid: 17, session: 2, leaf: 'cmd.exe', commandLine: 'cmd /c "echo  é"' };

/** The classic Process event, type Start, versions 2 to 4. */
export function classicStart(
  version: number,
  { pid, ppid, session, leaf, commandLine }: typeof CLASSIC = CLASSIC,
  withUser = true,
): Buffer {
  return Buffer.concat([
    u64(0xffff_a001n),
    u32(pid),
    u32(ppid),
    u32(session),
    u32(259),
    ...(version >= 3 ? [u64(0x1ab000n)] : []),
    ...(version >= 4 ? [u32(0)] : []),
    ...(withUser ? [u64(0xffff_b000n), u64(0n), USER] : [u32(0)]),
    Buffer.from(`${leaf}\0`, 'latin1'),
    wide(commandLine),
    ...(version >= 4 ? [wide(''), wide('')] : []),
  ]);
}
