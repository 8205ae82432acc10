import { RefusedError } from '../client/client.ts';
import { AgentError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { neutralise } from '../terminal-text.ts';

/** HTTP: the request is wrong, or too long. */
const WRONG_REQUEST: readonly number[] = [400, 431];

/**
 * Says on standard error why a command could not look into the agent.
 * @returns the exit status
 * @throws what is no such failure
 */
export function reportFailure(command: string, error: unknown): ExitCode {
  if (error instanceof AgentError) {
    complain(command, error.message);
    return error.exitCode;
  }
  if (!(error instanceof RefusedError)) throw error;
  complain(command, error.message);
  return WRONG_REQUEST.includes(error.status) ? EXIT.USAGE : EXIT.UNREACHABLE;
}

/** Says something on standard error, where a terminal obeys nothing of it. */
export function complain(command: string, text: string): void {
  for (const line of text.split('\n')) process.stderr.write(`probes-agent ${command}: ${neutralise(line)}\n`);
}
