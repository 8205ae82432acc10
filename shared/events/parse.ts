import { CLOCK_FIELDS, CLOCK_REQUIRED, type ClockEvent } from './clock.ts';
import {
  EXEC_FAILED_FIELDS,
  EXEC_FAILED_REQUIRED,
  EXEC_FIELDS,
  EXEC_REQUIRED,
  type ExecEvent,
  type ExecFailedEvent,
} from './exec.ts';
import { EXIT_FIELDS, EXIT_REQUIRED, type ExitEvent } from './exit.ts';
import { isObject, type Check } from './fields.ts';
import { FORK_FIELDS, FORK_REQUIRED, type ForkEvent } from './fork.ts';
import { GAP_FIELDS, GAP_REQUIRED, type GapEvent } from './gap.ts';
import { HEARTBEAT_FIELDS, HEARTBEAT_REQUIRED, type HeartbeatEvent } from './heartbeat.ts';
import { HELLO_FIELDS, HELLO_REQUIRED, type HelloEvent } from './hello.ts';

/** Every event of the protocol, by its `type`. */
export type ProbeEvent =
  HelloEvent | ExecEvent | ExecFailedEvent | ForkEvent | ExitEvent | GapEvent | ClockEvent | HeartbeatEvent;

/** An event of a type that this version does not know. It is passed on and never refused. */
export interface UnknownEvent {
  type: string;
  [field: string]: unknown;
}

/** A line that is not an event. `field` names the invalid field, if there is one. */
export class EventError extends Error {
  override readonly name = 'EventError';
  readonly field: string | undefined;
  constructor(message: string, field?: string) {
    super(message);
    this.field = field;
  }
}

/** The fields of one type of event. */
export interface Shape {
  readonly checks: ReadonlyArray<readonly [string, Check]>;
  readonly required: readonly string[];
}

export const shape = (fields: Readonly<Record<string, Check>>, required: readonly string[]): Shape => ({
  checks: Object.entries(fields).filter(([name]) => name !== 'type'),
  required,
});

const SHAPES: ReadonlyMap<string, Shape> = new Map([
  ['hello', shape(HELLO_FIELDS, HELLO_REQUIRED)],
  ['exec', shape(EXEC_FIELDS, EXEC_REQUIRED)],
  ['exec_failed', shape(EXEC_FAILED_FIELDS, EXEC_FAILED_REQUIRED)],
  ['fork', shape(FORK_FIELDS, FORK_REQUIRED)],
  ['exit', shape(EXIT_FIELDS, EXIT_REQUIRED)],
  ['gap', shape(GAP_FIELDS, GAP_REQUIRED)],
  ['clock', shape(CLOCK_FIELDS, CLOCK_REQUIRED)],
  ['heartbeat', shape(HEARTBEAT_FIELDS, HEARTBEAT_REQUIRED)],
]);

/**
 * Checks every known field of a parsed value, and returns the value itself, not a copy. Unknown fields stay; an event
 * of an unknown type passes unchanged.
 * @throws {EventError} naming the invalid field
 */
export function checkEvent(value: unknown): ProbeEvent | UnknownEvent {
  if (!isObject(value)) throw new EventError('an event is a JSON object');
  const { type } = value;
  if (typeof type !== 'string') throw new EventError('type: expected a string', 'type');
  const known = SHAPES.get(type);
  if (known === undefined) return value as UnknownEvent;
  checkFields(value, type, known);
  if (type === 'gap' && (value['last'] as number) - (value['first'] as number) + 1 !== value['count']) {
    throw new EventError('gap.count: expected last - first + 1', 'count');
  }
  return value as unknown as ProbeEvent;
}

/**
 * Checks the fields of an event of one type. Fields that the shape does not name are ignored.
 * @throws {EventError} naming the missing or invalid field
 */
export function checkFields(value: Readonly<Record<string, unknown>>, type: string, { required, checks }: Shape): void {
  for (const name of required) {
    if (value[name] === undefined) throw new EventError(`${type}.${name}: missing`, name);
  }
  for (const [name, check] of checks) {
    const field = value[name];
    if (field === undefined) continue;
    const expected = check(field);
    if (expected !== undefined) throw new EventError(`${type}.${name}: expected ${expected}`, name);
  }
}
