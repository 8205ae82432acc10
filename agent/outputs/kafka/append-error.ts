import { reasonOf } from '../../errors.ts';
import { BrokerError } from './error-codes.ts';
import { nameOf, type Address } from './link.ts';

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

/**
 * Does something with a broker, and names the broker in what goes wrong.
 * @param isCutOff whether an error means that the broker may have got too much
 */
export async function at<T>(
  address: Address,
  work: () => Promise<T>,
  isCutOff: (error: unknown) => boolean = () => false,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new AppendError(`${nameOf(address)}: ${reasonOf(error)}`, {
      cause: error,
      unauthorized: error instanceof BrokerError && error.meaning === 'unauthorized',
      cutOff: isCutOff(error),
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
