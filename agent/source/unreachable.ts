import { AgentError, reasonOf, systemCode } from '../errors.ts';

/** Returns a sentence on why there is no connection to the helper, and the next step. */
export function explainFailure(error: unknown, socketPath: string): string {
  switch (systemCode(error)) {
    case 'ENOENT':
      return `there is no socket at ${socketPath}; is probes-helper running?`;
    case 'ECONNREFUSED':
      return 'nobody listens on the socket; is probes-helper running?';
    case 'EACCES':
      return `this user may not use the socket; the agent's user must be in the group that owns ${socketPath}`;
    case 'EAGAIN':
      return `${socketPath} takes no more connections; probes-helper is stopped, or hangs`;
    default:
      return reasonOf(error);
  }
}

/** Whether a program other than our helper answered. If not, nothing answered. */
export const wasRefused = (error: unknown): boolean => error instanceof AgentError || systemCode(error) === undefined;

/** Whether nobody serves the socket. */
export const isGone = (error: unknown): boolean => ['ENOENT', 'ECONNREFUSED'].includes(systemCode(error) ?? '');
