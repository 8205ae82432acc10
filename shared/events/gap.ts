import { count, instant, oneOf, text, yes, type Fields } from './fields.ts';

/** Events that exist but are not in the stream: the numbers `first` to `last`, `count` of them. */
export interface GapEvent {
  type: 'gap';
  time: string;
  /** The place of the loss: `ring`, `pipe`, `spool`, `output`; more may be added. */
  hop: string;
  first: number;
  last: number;
  count: number;
  /** The cause, in one stable word: `ring_full`, `backlog_overrun` … */
  cause: string;
  /** The number of lost events is unknown: at least `count`, or, if `count` is 1, any number including none. */
  uncounted?: true;
}

export const GAP_FIELDS: Fields<GapEvent> = {
  type: oneOf('gap'),
  time: instant,
  hop: text,
  first: count,
  last: count,
  count,
  cause: text,
  uncounted: yes,
};
export const GAP_REQUIRED = ['time', 'hop', 'first', 'last', 'count', 'cause'] as const;

export const GAP_EXAMPLE: GapEvent = {
  type: 'gap',
  time: '2023-03-15T13:20:05.000000000Z',
  hop: 'ring',
  first: 7302121,
  last: 7302184,
  count: 64,
  cause: 'ring_full',
};
