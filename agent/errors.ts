import { EXIT, type ExitCode } from './exit-codes.ts';

/** One kind of failure. Without an exit status, the agent continues and tries again. */
interface Failure {
  readonly status?: ExitCode;
  readonly meaning: string;
  /** The administrator's next step. */
  readonly remedy: string;
}

/**
 * Stable names for every failure that an administrator may have to act on. `--help` is generated from this table, and
 * tests compare docs/configuration.md with it. Names are only added, never changed.
 */
export const ERRORS = {
  INTERNAL: {
    status: EXIT.INTERNAL,
    meaning: 'a defect in the agent',
    remedy: 'report it with the log',
  },
  USAGE: {
    status: EXIT.USAGE,
    meaning: 'the command line is wrong',
    remedy: 'see probes-agent --help',
  },
  CONFIG_NOT_FOUND: {
    status: EXIT.CONFIG,
    meaning: 'the configuration is missing',
    remedy: 'copy agent.example.yaml to where it is expected, or name a file with --config',
  },
  CONFIG_WRONG: {
    status: EXIT.CONFIG,
    meaning: 'the configuration is wrong, or check found a faulty rule',
    remedy: 'fix every printed problem, and run probes-agent check',
  },
  OUTPUT_FAILED: {
    status: EXIT.OUTPUT,
    meaning:
      'an output, or the address of metrics, could not be opened at start; or standard output could not be written',
    remedy: 'make its folder, and let the agent write there; choose an address that is free; make room on the disk',
  },
  UNFLUSHED: {
    status: EXIT.UNFLUSHED,
    meaning: 'ended, but shutdown_timeout ran out before every event was written',
    remedy: 'raise shutdown_timeout, or find out why the output is slow',
  },
  INPUT: {
    status: EXIT.INPUT,
    meaning:
      'match, convert or verify could not read the events, or match the rules; or a line for convert is no event',
    remedy: 'check the paths on the command line',
  },
  ADDON_UNSAFE: {
    status: EXIT.INSTALLATION,
    meaning: 'koffi.node is missing beside the agent, or others could change it',
    remedy: 'install the agent again; root must own the files, and nobody else may write to them or their folders',
  },
  SPOOL: {
    status: EXIT.SPOOL,
    meaning: 'the spool cannot be read, or is damaged',
    remedy: 'see probes-agent spool verify; what is lost becomes a gap',
  },
  INCOMPLETE: {
    status: EXIT.INCOMPLETE,
    meaning: 'verify found that events are missing or changed, or could not tell',
    remedy: 'see docs/completeness.md',
  },
  UNHEALTHY: {
    status: EXIT.UNHEALTHY,
    meaning: 'status or doctor found a problem',
    remedy: 'do what the lines marked as problems say',
  },
  CONTROL_UNREACHABLE: {
    status: EXIT.UNREACHABLE,
    meaning: 'tail, top, status or dashboard could not look into a running agent, or its answer cannot be read',
    remedy: 'the message says why: no agent, no control in its configuration, or not allowed; see docs/looking.md',
  },
  QUERY: {
    status: EXIT.QUERY,
    meaning: 'query could not be answered, or a part of the store could not be read',
    remedy: 'see what it printed, and docs/query.md',
  },
  HELPER_SOCKET_UNSAFE: {
    meaning: 'a user other than root may have created the socket, or serves it',
    remedy: 'check source.socket, and the owner of each folder and link in its path',
  },
  HELPER_PROTOCOL: {
    meaning: "the program on the socket does not speak the helper's protocol",
    remedy: 'install the same version of helper and agent',
  },
} as const satisfies Readonly<Record<string, Failure>>;

export type ErrorCode = keyof typeof ERRORS;

/** One sentence for each exit status, by number, as `--help` prints them. */
export function exitMeanings(): ReadonlyArray<readonly [ExitCode, string]> {
  const meanings = new Map<ExitCode, string[]>([
    [EXIT.OK, ['ended as asked, the configuration is good, the agent is healthy, or the events are complete']],
  ]);
  for (const { status, meaning } of Object.values<Failure>(ERRORS))
    if (status !== undefined) meanings.set(status, [...(meanings.get(status) ?? []), meaning]);
  return [...meanings].map(([status, parts]) => [status, parts.join('; ')] as const);
}

/** An error with a stable code. The message names the operation, its object, the reason and the next step. */
export class AgentError extends Error {
  override readonly name: string = 'AgentError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(`${code}: ${message}`, options);
    this.code = code;
  }

  /** The exit status, if this error ends the agent. */
  get exitCode(): ExitCode {
    const { status }: Failure = ERRORS[this.code];
    return status ?? EXIT.INTERNAL;
  }
}

/** The message of any thrown value. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The system's name for an error (`ENOENT`), if it has one. */
export function systemCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}
