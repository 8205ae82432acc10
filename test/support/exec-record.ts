/** Text, or bytes that need not be text. */
export type Bytes = string | Uint8Array;

/** The contents of a record, in the words of an event. Fields that are left out have some ordinary value. */
export interface RecordFields {
  kind?: number;
  cpu?: number;
  number?: number;
  seconds?: number;
  nanoseconds?: number;
  pid?: number;
  ppid?: number;
  uid?: number;
  gid?: number;
  euid?: number;
  egid?: number;
  loginuid?: number;
  sessionId?: number;
  tty?: number;
  flags?: number;
  startTime?: number;
  parentStartTime?: number;
  ns?: readonly number[];
  error?: number;
  comm?: Bytes;
  filename?: Bytes;
  /** Absolute paths; undefined leaves the path out. */
  exe?: Bytes | undefined;
  cwd?: Bytes;
  parentExe?: Bytes | undefined;
  /** Of the descriptor `fd`, which filename is relative to. */
  fdPath?: Bytes | undefined;
  fd?: number;
  cgroup?: Bytes;
  /** The arguments that stand in this record, with their NULs. */
  args?: Buffer;
  /** Of all arguments, where that is more. */
  argvBytes?: number;
  /** The environment that stands in this record, with its NULs. */
  env?: Buffer;
  /** Of all that is sent of it, where that is more. */
  envTotal?: number;
}

export const OWN_NAMESPACES = [
  4026531835, 4026531839, 4026531841, 4026531840, 4026531836, 4026531837, 4026531838,
] as const;

/** Arguments as a process has them: one after the other, each with its NUL. */
export const argsOf = (...args: Bytes[]): Buffer => Buffer.concat(args.map(cString));

/**
 * A `struct exec_record` with its strings, written field after field as bpf/exec.h
 * lists them, and not by the offsets of the code under test.
 */
export function execRecord(fields: RecordFields = {}): Buffer {
  const args = fields.args ?? argsOf('npm', 'install');
  const env = fields.env ?? Buffer.alloc(0);
  const paths = [
    components('exe' in fields ? fields.exe : '/usr/bin/npm'),
    components(fields.cwd ?? '/home/ada'),
    components('parentExe' in fields ? fields.parentExe : '/usr/bin/bash'),
    components(fields.fdPath),
    components(fields.cgroup ?? '/user.slice'),
  ];
  const filename = cString(fields.filename ?? '/usr/bin/npm');
  const comm = Buffer.alloc(16);
  Buffer.from(fields.comm ?? 'npm').copy(comm);
  return Buffer.concat([
    u16(1),
    u16(fields.kind ?? 0),
    u32(fields.cpu ?? 0),
    u64(fields.number ?? 0),
    u32(fields.seconds ?? 7302),
    u32(fields.nanoseconds ?? 0),
    u32(fields.pid ?? 12345),
    u32(fields.flags ?? 0),
    u64(fields.startTime ?? 7301999120),
    u32(fields.error ?? 0),
    u32(fields.argvBytes ?? args.length),
    comm,
    u32(filename.length),
    u32(args.length),
    u32(env.length),
    u32(fields.envTotal ?? env.length),
    u64(fields.parentStartTime ?? 7203340118),
    u32(fields.ppid ?? 12001),
    u32(fields.uid ?? 1000),
    u32(fields.gid ?? 1001),
    u32(fields.euid ?? 1002),
    u32(fields.egid ?? 1003),
    u32(fields.loginuid ?? 1004),
    u32(fields.sessionId ?? 12001),
    u32(fields.tty ?? 34816),
    ...(fields.ns ?? OWN_NAMESPACES).map(u32),
    ...paths.map(({ length }) => u32(length)),
    u32((fields.fd ?? -100) >>> 0),
    Buffer.alloc(4), // to 8 bytes
    ...paths,
    filename,
    args,
    env,
  ]);
}

/** A `struct more_record` with its bytes: of the environment where it is given, else of the arguments. */
export function moreRecord({
  kind = 0,
  cpu = 0,
  number = 0,
  offset = 0,
  args = Buffer.alloc(0),
  env,
}: RecordFields & { offset?: number }): Buffer {
  const bytes = env ?? args;
  const type = env === undefined ? 2 : 3;
  return Buffer.concat([u16(type), u16(kind), u32(cpu), u64(number), u32(offset), u32(bytes.length), bytes]);
}

export interface ExitFields {
  cpu?: number;
  number?: number;
  seconds?: number;
  nanoseconds?: number;
  pid?: number;
  status?: number;
  startTime?: number;
}

/** A `struct exit_record`. */
export function exitRecord({
  cpu = 0,
  number = 0,
  seconds = 7302,
  nanoseconds = 0,
  pid = 12345,
  status = 0,
  startTime = 7301999120,
}: ExitFields = {}): Buffer {
  return Buffer.concat([
    u16(1),
    u16(2),
    u32(cpu),
    u64(number),
    u32(seconds),
    u32(nanoseconds),
    u32(pid),
    u32(status),
    u64(startTime),
  ]);
}

function cString(value: Bytes): Buffer {
  return Buffer.concat([Buffer.from(value), Buffer.alloc(1)]);
}

/** Leaf first, each with its NUL, as the kernel side walks a path. The root has none. */
function components(path: Bytes | undefined): Buffer {
  if (path === undefined) return Buffer.alloc(0);
  const names = Buffer.from(path)
    .toString('latin1')
    .split('/')
    .filter((name) => name !== '');
  return Buffer.concat(names.toReversed().map((name) => cString(Buffer.from(name, 'latin1'))));
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
