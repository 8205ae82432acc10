import test from 'ava';
import { alertOf, Item } from '../../../agent/events/item.ts';
import { Identified, SCHEMA_VERSION } from '../../../agent/formats/identified.ts';
import { takeBatch } from '../delivery/take-batch.ts';
import { Log } from '../../../agent/delivery/log/log.ts';
import { exec, gap, toItem } from '../support/items.ts';

const IDENTITY = { hostId: 'a'.repeat(32), host: 'wal"rus\n', stream: 'soc' };
const ADDED = {
  host_id: 'a'.repeat(32),
  host: 'wal"rus\n',
  boot_id: 'b',
  stream: 'soc',
  schema_version: SCHEMA_VERSION,
};
const format = new Identified(IDENTITY);

const written = (item: Item, bootId: string | undefined = 'b'): string =>
  Buffer.concat([format.encode(item, { bootId })].flat() as Uint8Array[]).toString();

for (const [what, item] of [
  ['an event', exec(7)],
  ['a gap', gap(8, 10)],
  ['an alert', alertOf({ ...exec(7).event, rules: [{ id: '}', title: '{"}' }] } as never, exec(7))],
  ['an event of a type that is not known', toItem({ type: 'x' })],
] as const) {
  test(`${what} keeps its bytes, and says at its end who it is from`, (t) => {
    const line = written(item);
    t.true(line.startsWith(item.line.slice(0, -1)));
    t.deepEqual(JSON.parse(line), { ...item.event, ...ADDED });
  });
}

test('white space behind the object does not matter', (t) => {
  const line = Buffer.from('before\n{"type":"x","a":"}"} \t\r\nafter}');
  const item = new Item(line, 7, line.indexOf('after'), -1, -1);
  t.deepEqual(JSON.parse(written(item)), { type: 'x', a: '}', ...ADDED });
});

test('a boot that is not known is not named', (t) => {
  const line = Buffer.concat([...format.encode(exec(1), { bootId: undefined })]).toString();
  t.false('boot_id' in (JSON.parse(line) as object));
});

test('each batch has the boot of its own lines', (t) => {
  const log = new Log();
  const cursor = log.open({
    alertsOnly: false,
    maxLagBytes: 1e6,
    position: undefined,
    onMoved: () => undefined,
    onOvertaken: () => undefined,
    onResumed: () => undefined,
    onPositionUnknown: () => undefined,
  });
  for (const bootId of ['first', 'second']) {
    log.begin({ bootId, firstSeq: 1, lastSeq: 2 });
    log.append([exec(1), exec(2)]);
  }
  for (const bootId of ['first', 'second']) {
    const batch = takeBatch(cursor, format, { bytes: 1e6, records: 100, ageMs: 0 })!;
    t.is(batch.bootId, bootId);
    const lines = batch.lines.toString().trimEnd().split('\n');
    t.deepEqual(
      lines.map((line) => (JSON.parse(line) as { boot_id: string; seq: number }).boot_id),
      [bootId, bootId],
    );
    t.is(batch.endOf(1), batch.lines.length);
    t.is(batch.endOf(0), Buffer.byteLength(`${lines[0]!}\n`));
    cursor.commit();
  }
});
