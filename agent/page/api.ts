import type { AgentStatus } from '../client/status.ts';
import { LineReader } from './line-reader.ts';

/** Why the agent did not answer as hoped. The message is for people. */
export class ApiError extends Error {
  /** Of HTTP; 0 when there was no answer. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const ANSWER_MS = 8000;
const NO_ANSWER = 'The agent does not answer. Trying again.';

/** @throws {ApiError} */
export async function getStatus(): Promise<AgentStatus> {
  return (await getJson('v1/status')) as AgentStatus;
}

/** @throws {ApiError} */
export async function getJson(path: string): Promise<unknown> {
  const response = await ask(path, AbortSignal.timeout(ANSWER_MS));
  try {
    return await response.json();
  } catch {
    // It was cut short, or is not JSON.
    throw new ApiError(0, NO_ANSWER);
  }
}

export interface Stream {
  /** Calls back with lines as they come, until `signal` ends it or the agent goes away. */
  readonly onLines: (lines: readonly string[]) => void;
  readonly onOpen: () => void;
  readonly signal: AbortSignal;
}

/** Follows /v1/events. @throws {ApiError} also when the agent ends it */
export async function follow(
  query: Readonly<Record<string, string>>,
  { onLines, onOpen, signal }: Stream,
): Promise<void> {
  const response = await ask(`v1/events?${new URLSearchParams(query).toString()}`, signal);
  onOpen();
  const reader = new LineReader();
  const pieces = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { value, done } = await pieces.read();
      if (done) break;
      const lines = reader.push(value);
      if (lines.length > 0) onLines(lines);
    }
  } catch {
    // Either `signal`, or the connection broke.
  }
  throw new ApiError(0, NO_ANSWER);
}

async function ask(path: string, signal: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { signal, cache: 'no-store', redirect: 'error' });
  } catch {
    throw new ApiError(0, NO_ANSWER);
  }
  if (response.ok) return response;
  const text = (await response.text().catch(() => '')).slice(0, 2000).trim();
  if (response.status === 401)
    throw new ApiError(
      401,
      'The agent was started anew, so this address no longer holds. Run "probes-agent dashboard" and open what it prints.',
    );
  throw new ApiError(response.status, text === '' ? `the agent answered with status ${response.status}` : text);
}
