/** Stable names for what an administrator may have to act on. */
export type ErrorCode = 'CONFIG_NOT_FOUND' | 'HELPER_SOCKET_UNSAFE' | 'HELPER_PROTOCOL' | 'OUTPUT_FAILED';

/** An error with a stable code; the message says what failed, on what, why, and what to do. */
export class AgentError extends Error {
  override readonly name: string = 'AgentError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(`${code}: ${message}`, options);
    this.code = code;
  }
}

/** The text of anything that was thrown. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The system's name for an error (`ENOENT`), where it has one. */
export function systemCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}
