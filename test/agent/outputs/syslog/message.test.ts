import test from 'ava';
import fc from 'fast-check';
import { alertOf, itemOf, type Item, type StreamEvent } from '../../../../agent/events/item.ts';
import { Identified } from '../../../../agent/formats/identified.ts';
import { FACILITY_NAMES, facilityNumber } from '../../../../agent/outputs/syslog/facility.ts';
import { jsonOf, SyslogMessages } from '../../../../agent/outputs/syslog/message.ts';
import { execEvent } from '../../../support/fake-helper.ts';
import { exec, gap, toItem } from '../../support/items.ts';

/** RFC 5424, section 6: PRI, VERSION, TIMESTAMP, HOSTNAME, APP-NAME, PROCID, MSGID, STRUCTURED-DATA, MSG. */
const MESSAGE =
  /^<(\d{1,3})>1 (-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z) ([\x21-\x7e]{1,255}) platform-probes - ([\x21-\x7e]{1,32}) - (.*)$/su;

const json = new Identified({ hostId: '0'.repeat(32), host: 'web-1', stream: 'soc' });

function parse(item: Item, host = 'web-1', facility = 3) {
  const format = new SyslogMessages(json, host, facility);
  const text = Buffer.concat([...format.encode(item, { bootId: 'boot' })]).toString();
  const [, priority, time, hostname, id, msg] = MESSAGE.exec(text)!;
  return { text, facility: Number(priority) >> 3, severity: Number(priority) & 7, time, hostname, id, msg: msg! };
}

test('a message has the header of RFC 5424, and the line of JSON behind it', (t) => {
  const { msg, ...header } = parse(exec(7));
  t.like(header, {
    facility: 3,
    severity: 6,
    time: '2023-03-15T13:20:00.123456Z',
    hostname: 'web-1',
    id: 'exec',
  });
  t.like(JSON.parse(msg), { seq: 7, boot_id: 'boot', stream: 'soc', time: '2023-03-15T13:20:00.123456789Z' });
});

test('a gap is a warning', (t) => {
  t.like(parse(gap(3, 9)), { severity: 4, id: 'gap', time: '2023-03-15T13:20:05.000000Z' });
});

test('an alert has the severity of the highest level among its rules', (t) => {
  const severity = (...levels: string[]): number =>
    parse(alertOf({ ...execEvent(1), rules: levels.map((level) => ({ level })) } as unknown as StreamEvent, exec(1)))
      .severity;
  t.deepEqual(
    ['informational', 'low', 'medium', 'high', 'critical'].map((level) => severity(level)),
    [6, 5, 4, 3, 2],
  );
  t.is(severity('low', 'critical', 'medium'), 2);
  t.is(severity(), 6);
  t.is(parse(toItem({ ...execEvent(1), rules: [{ level: 'critical' }] })).severity, 6, 'not an alert');
});

test('type and time are those of the event, whatever its texts and objects hold', (t) => {
  const lure = '{"type":"lure","time":"2001-01-01T00:00:00Z"}';
  t.like(parse(toItem(execEvent(1, { command: lure }))), { id: 'exec', time: '2023-03-15T13:20:00.123456Z' });
  t.like(parse(toItem({ inner: JSON.parse(lure) as object, type: 'later', time: '2024-01-01T00:00:00Z' })), {
    id: 'later',
    time: '2024-01-01T00:00:00Z',
  });
  t.like(parse(toItem({ inner: JSON.parse(lure) as object, type: 'later' })), { id: 'later', time: '-' });
});

test('what a header cannot carry is left out or replaced', (t) => {
  t.like(parse(toItem({ type: 'späte r]', time: 'noon' })), { id: '-', time: '-' });
  t.like(parse(toItem({ type: 'x'.repeat(33), time: 7 })), { id: '-', time: '-' });
  t.is(parse(exec(1), 'größe {1} a').hostname, 'gr??e??1??a');
  t.is(parse(exec(1), '').hostname, '-');
  t.is(parse(exec(1), 'h'.repeat(300)).hostname!.length, 255);
});

test('whatever an event holds: the message is of the RFC, and its JSON is the line', (t) => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), fc.string(), (more, type, host) => {
      const item = itemOf({ ...more, type } as StreamEvent);
      const line = Buffer.concat([...json.encode(item, { bootId: 'boot' })]).toString();
      const { msg, text } = parse(item, host);
      t.is(msg, line);
      t.is(jsonOf(Buffer.from(text)).toString(), line);
    }),
  );
});

test('facilities have the numbers of the RFC', (t) => {
  t.deepEqual(
    FACILITY_NAMES.map(facilityNumber),
    Array.from({ length: 23 }, (_, i) => i + 1),
  );
  t.is(parse(exec(1), 'h', facilityNumber('local7')).facility, 23);
});
