/** The longest that a probe may take, in milliseconds; less where the output's own time-out is shorter. */
export const PROBE_MS = 5000;

/** What an output's place answered to somebody who connects as the output does, and sends no event. */
export interface Probed {
  /** `warning`: somebody answers, but whether events would be taken is in doubt. */
  readonly verdict: 'ok' | 'warning' | 'problem';
  /** One sentence, with the next step where there is one. Holds no secret. */
  readonly says: string;
}
