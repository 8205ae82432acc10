/**
 * Every way the helper can fail, with the exit code that a service manager or a
 * script sees. Codes are stable: they are only ever added.
 */
export const EXIT_CODES = {
  HELPER_USAGE: 2,
  HELPER_NOT_ROOT: 3,
  HELPER_UNSAFE_FILE: 4,
  HELPER_NO_ACCOUNT: 5,
  HELPER_NO_LIBBPF: 6,
  HELPER_NO_BTF: 7,
  HELPER_PROBE_REFUSED: 8,
  HELPER_NO_TRACEFS: 9,
  HELPER_SOCKET: 10,
  HELPER_SOCKET_IN_USE: 11,
  HELPER_PRIVILEGE: 12,
  HELPER_HANDOFF: 13,
  HELPER_UNSUPPORTED: 14,
  HELPER_NO_BPFFS: 15,
} as const;

export type ErrorCode = keyof typeof EXIT_CODES;

/** The meaning of each code. */
export const EXIT_MEANINGS: Readonly<Record<ErrorCode, string>> = {
  HELPER_USAGE: 'the command line is wrong',
  HELPER_NOT_ROOT: 'not started as root',
  HELPER_UNSAFE_FILE: 'others than root can write to a file or folder of the helper',
  HELPER_NO_ACCOUNT: 'the user or group does not exist',
  HELPER_NO_LIBBPF: 'libbpf 1.x is not installed',
  HELPER_NO_BTF: 'the kernel has no BTF type information',
  HELPER_PROBE_REFUSED: 'the kernel refused the probe',
  HELPER_NO_TRACEFS: 'tracefs is not mounted (needed by --failures)',
  HELPER_SOCKET: 'the socket could not be made',
  HELPER_SOCKET_IN_USE: 'another helper serves this socket',
  HELPER_PRIVILEGE: 'privileges could not be given up',
  HELPER_HANDOFF: 'the forwarding stage was not started by the helper itself',
  HELPER_UNSUPPORTED: 'this system or source is not supported',
  HELPER_NO_BPFFS: 'the BPF file system is not mounted (needed by --pin)',
};

/** Every exit status with its meaning, in the order of `--help`. */
export function exitStatuses(): [status: number, meaning: string][] {
  return [
    [0, 'ended by SIGTERM, SIGINT or SIGHUP; clients got all events that they took in time'],
    [1, 'audit has findings, or an error without its own code'],
    ...(Object.keys(EXIT_CODES) as ErrorCode[]).map((code): [number, string] => [
      EXIT_CODES[code],
      `${EXIT_MEANINGS[code]} (${code})`,
    ]),
  ];
}

/** A failure that ends the helper: one line that says what failed, on which object, why, and what to do. */
export class HelperError extends Error {
  override readonly name = 'HelperError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(`${code}: ${message}`, options);
    this.code = code;
  }

  get exitCode(): number {
    return EXIT_CODES[this.code];
  }
}
