import { checkEvent, EventError, type ProbeEvent, type UnknownEvent } from '../../shared/events/parse.ts';

/**
 * Reads one line of the protocol and checks every known field.
 * @throws {EventError} naming the field that does not fit
 */
export function parseEvent(line: string): ProbeEvent | UnknownEvent {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new EventError(`not JSON: ${(cause as Error).message}`);
  }
  return checkEvent(value);
}

/** Whether this version knows the event's type. Each known type has required fields, so an event with a type alone is refused. */
export function isKnown(event: ProbeEvent | UnknownEvent): event is ProbeEvent {
  try {
    checkEvent({ type: event.type });
    return false;
  } catch {
    return true;
  }
}
