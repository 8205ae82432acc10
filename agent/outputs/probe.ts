/** The longest that a probe may take, in milliseconds; less where the output's own time-out is shorter. */
export const PROBE_MS = 5000;

/** The answer of an output's place to a connection like the output's own, without an event. */
export interface Probed {
  /** `warning`: somebody answers, but whether events would be taken is in doubt. */
  readonly verdict: 'ok' | 'warning' | 'problem';
  /** One sentence, with the next step where there is one. Holds no secret. */
  readonly says: string;
}
