import { reasonOf } from '../../errors.ts';
import { BrokerError } from './error-codes.ts';
import { LinkError, nameOf, type Address } from './link.ts';

/** How many brokers a message names. */
const MAX_SHOWN = 4;

/** Nobody answered for a batch. */
export class AppendError extends Error {
  override readonly name = 'AppendError';
  /** Whether a broker does not let the agent in. */
  readonly unauthorized: boolean;
  /** Whether the broker ended the connection before it answered to the batch: perhaps it got more than it takes. */
  readonly cutOff: boolean;

  constructor(
    message: string,
    { cause, unauthorized = false, cutOff = false }: { cause?: unknown; unauthorized?: boolean; cutOff?: boolean },
  ) {
    super(message, { cause });
    this.unauthorized = unauthorized;
    this.cutOff = cutOff;
  }
}

export interface AskOptions {
  /** Whether the broker gets a batch, which may be more than it takes. */
  readonly hasBatch?: boolean;
  /** Added when the broker ends the connection. */
  readonly hint?: string;
}

/**
 * Asks a broker something, and names it in what goes wrong.
 * @throws {AppendError}
 */
export async function at<T>(
  address: Address,
  work: () => Promise<T>,
  { hasBatch = false, hint = '' }: AskOptions = {},
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const ended = error instanceof LinkError && error.cutOff;
    throw new AppendError(`${nameOf(address)}: ${reasonOf(error)}${ended ? hint : ''}`, {
      cause: error,
      unauthorized: error instanceof BrokerError && error.meaning === 'unauthorized',
      cutOff: ended && hasBatch,
    });
  }
}

/** One error of several, in an order that does not depend on who was asked first: the log leaves out what repeats. */
export function joined(errors: readonly AppendError[]): AppendError {
  if (errors.length === 1) return errors[0]!;
  const messages = errors.map(({ message }) => message).toSorted();
  const more = messages.length > MAX_SHOWN ? `; and ${messages.length - MAX_SHOWN} more` : '';
  return new AppendError(messages.slice(0, MAX_SHOWN).join('; ') + more, {
    cause: errors[0],
    unauthorized: errors.some(({ unauthorized }) => unauthorized),
  });
}
