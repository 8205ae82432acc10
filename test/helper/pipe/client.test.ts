import test from 'ava';

import { Backlog } from '../../../helper/pipe/backlog.ts';
import { Client, type ClientEnd } from '../../../helper/pipe/client.ts';
import type { Connection, ConnectionEvents } from '../../../helper/pipe/connection.ts';

/** A connection that takes as much as it is told to. */
class TestConnection implements Connection {
  readonly peer = { pid: 1 };
  room = 0;
  received = '';
  awaited = 0;
  closed = false;
  events: ConnectionEvents | undefined;

  begin(events: ConnectionEvents): void {
    this.events = events;
  }

  send(piece: Buffer): number | 'full' | 'gone' {
    if (this.room < 0) return 'gone';
    if (this.room === 0) return 'full';
    const taken = Math.min(this.room, piece.length);
    this.room -= taken;
    this.received += piece.toString('latin1', 0, taken);
    return taken;
  }

  awaitRoom(): void {
    this.awaited++;
  }

  close(): void {
    this.closed = true;
  }
}

function setting(): { connection: TestConnection; client: Client; ends: ClientEnd[]; append: (line: string) => void } {
  const backlog = new Backlog(Buffer.alloc(64), { tail: 0, head: 0 }, () => undefined);
  const connection = new TestConnection();
  const ends: ClientEnd[] = [];
  const append = (line: string): void => {
    backlog.makeRoom(line.length);
    backlog.append(Buffer.from(line));
  };
  append('one\n');
  return { connection, client: new Client(connection, backlog, (end) => ends.push(end)), ends, append };
}

test('a line of its own goes first, then the backlog, in pieces as there is room', (t) => {
  const { connection, client } = setting();
  connection.room = 3;
  client.control(Buffer.from('hello\n'));
  client.pump(100);
  t.is(connection.received, 'hel');
  t.is(connection.awaited, 1);
  connection.room = 100;
  client.pump(100);
  t.is(connection.received, 'hel', 'it waits until it is told');
  connection.events?.onRoom();
  t.is(connection.received, 'hello\none\n');
  t.true(client.upToDate);
});

test('who is overtaken, leaves or writes is let go once', (t) => {
  const overtaken = setting();
  for (let i = 0; i < 20; i++) overtaken.append('12345678\n');
  overtaken.client.pump(100);
  overtaken.connection.events?.onEnd('left');
  t.deepEqual(overtaken.ends, ['overtaken']);
  t.true(overtaken.connection.closed);

  const wrote = setting();
  wrote.connection.events?.onEnd('wrote');
  wrote.client.pump(100);
  t.deepEqual(wrote.ends, ['wrote']);
  t.is(wrote.connection.received, '');

  const gone = setting();
  gone.connection.room = -1;
  gone.client.pump(100);
  t.deepEqual(gone.ends, ['left']);
});
