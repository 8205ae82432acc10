import type { Item } from '../../../agent/events/item.ts';
import type { Session } from '../../../agent/source/session.ts';

/** Gives a session these bytes as one read. @returns how many lines they completed */
export function received(session: Session, bytes: Buffer, out: Item[]): number {
  bytes.copy(session.room(bytes.length));
  return session.received(bytes.length, out);
}
