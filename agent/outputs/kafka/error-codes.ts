/** How an error of the protocol bears on a batch. */
type Meaning =
  /** Nothing is wrong with the records. */
  | 'retry'
  /** The broker does not let us in, or not there. */
  | 'unauthorized'
  /** There are too many records, or this one is too large. */
  | 'too_large'
  /** A record is to blame. */
  | 'refused';

interface KnownError {
  readonly name: string;
  readonly meaning: Meaning;
  /** The next step, where the name does not say it. */
  readonly advice?: string;
}

export const CODE = {
  none: 0,
  leaderNotAvailable: 5,
  unsupportedSaslMechanism: 33,
  illegalSaslState: 34,
  unsupportedVersion: 35,
} as const;

const retry = (name: string, advice?: string): KnownError => ({
  name,
  meaning: 'retry',
  ...(advice === undefined ? {} : { advice }),
});

/** Kafka's errors that a producer can get (kafka.apache.org/protocol, "Error Codes"). All others count as `retry`. */
const KNOWN: ReadonlyMap<number, KnownError> = new Map([
  [-1, retry('UNKNOWN_SERVER_ERROR', "see the broker's log")],
  [2, retry('CORRUPT_MESSAGE')],
  [3, retry('UNKNOWN_TOPIC_OR_PARTITION', 'make the topic, or correct topic; the agent makes none')],
  [CODE.leaderNotAvailable, retry('LEADER_NOT_AVAILABLE', 'the partition has no leader at the moment')],
  [6, retry('NOT_LEADER_OR_FOLLOWER')],
  [7, retry('REQUEST_TIMED_OUT', 'the replicas did not confirm in time')],
  [8, retry('BROKER_NOT_AVAILABLE')],
  [9, retry('REPLICA_NOT_AVAILABLE')],
  [10, { name: 'MESSAGE_TOO_LARGE', meaning: 'too_large' }],
  [13, retry('NETWORK_EXCEPTION')],
  [17, retry('INVALID_TOPIC_EXCEPTION', 'correct topic')],
  [18, { name: 'RECORD_LIST_TOO_LARGE', meaning: 'too_large' }],
  [19, retry('NOT_ENOUGH_REPLICAS', 'fewer replicas are in sync than min.insync.replicas asks for')],
  [20, retry('NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'fewer replicas are in sync than min.insync.replicas asks for')],
  [
    29,
    {
      name: 'TOPIC_AUTHORIZATION_FAILED',
      meaning: 'unauthorized',
      advice: 'the user needs the operations Describe and Write on the topic',
    },
  ],
  [31, { name: 'CLUSTER_AUTHORIZATION_FAILED', meaning: 'unauthorized' }],
  // The time is when the batch is sent, so the events are not to blame.
  [32, retry('INVALID_TIMESTAMP', "compare this host's clock with the broker's")],
  [CODE.unsupportedSaslMechanism, { name: 'UNSUPPORTED_SASL_MECHANISM', meaning: 'unauthorized' }],
  [
    CODE.illegalSaslState,
    {
      name: 'ILLEGAL_SASL_STATE',
      meaning: 'unauthorized',
      advice: 'the broker asks for no password on that port: leave auth out, or name the port that does',
    },
  ],
  [CODE.unsupportedVersion, retry('UNSUPPORTED_VERSION', 'Kafka before 0.11, or before 2.1 with zstd, cannot be used')],
  [43, retry('UNSUPPORTED_FOR_MESSAGE_FORMAT', "raise the topic's message.format.version")],
  [56, retry('KAFKA_STORAGE_ERROR', "see the broker's log")],
  [
    58,
    {
      name: 'SASL_AUTHENTICATION_FAILED',
      meaning: 'unauthorized',
      advice: 'see auth: the user or the password is wrong',
    },
  ],
  [74, retry('FENCED_LEADER_EPOCH')],
  [75, retry('UNKNOWN_LEADER_EPOCH')],
  [76, retry('UNSUPPORTED_COMPRESSION_TYPE', 'choose another compression')],
  [87, { name: 'INVALID_RECORD', meaning: 'refused' }],
  [89, retry('THROTTLING_QUOTA_EXCEEDED')],
]);

/** The meaning of an error code for the batch, and a text that stays the same for the same code. */
export function explain(code: number): { readonly meaning: Meaning; readonly reason: string } {
  const { name, meaning, advice } = KNOWN.get(code) ?? retry('an error that is not known here');
  return { meaning, reason: `${name} (${code})${advice === undefined ? '' : `: ${advice}`}` };
}

/** A broker answered with an error. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError';
  readonly meaning: Meaning;

  /** @param detail what there is to say beyond the code's own text */
  constructor(code: number, detail?: string) {
    const { meaning, reason } = explain(code);
    super(detail === undefined ? reason : `${reason}; ${detail}`);
    this.meaning = meaning;
  }
}
