import { loadConfig, DEFAULT_CONFIG_FILE } from '../config/load.ts';
import { DEFAULT_CONTROL_SOCKET } from '../control/config.ts';
import { AgentError } from '../errors.ts';
import { formatProblem } from '../problem.ts';

/** Where a command is told to look for the agent's control socket. */
export interface PlaceOptions {
  /** `--socket`. */
  readonly socket?: string;
  /** `--config`. */
  readonly config?: string;
}

/**
 * The path of the control socket: as given; otherwise as the configuration says, where it can be read; otherwise where the packages
 * have it. Most people who look cannot read the configuration.
 * @throws {AgentError} CONTROL_UNREACHABLE when the configuration has no `control`, or the one that was named cannot be read
 */
export function controlSocketPath({ socket, config }: PlaceOptions): string {
  if (socket !== undefined) return socket;
  const file = config ?? DEFAULT_CONFIG_FILE;
  const loaded = loadConfig(file);
  if (!loaded.ok) {
    if (config === undefined) return DEFAULT_CONTROL_SOCKET;
    throw new AgentError('CONTROL_UNREACHABLE', loaded.problems.map(formatProblem).join('\n'));
  }
  if (loaded.config.control !== undefined) return loaded.config.control.socket;
  throw new AgentError(
    'CONTROL_UNREACHABLE',
    `${file} has no "control", so nobody can look into the agent. Add "control: {}" and reload the agent (SIGHUP), or name a socket with --socket PATH`,
  );
}
