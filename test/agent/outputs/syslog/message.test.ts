import test from 'ava';
import fc from 'fast-check';
import { FACILITY_NAMES, facilityNumber } from '../../../../agent/outputs/syslog/facility.ts';
import { Headers, MAX_HEADER_BYTES } from '../../../../agent/outputs/syslog/message.ts';
import { execEvent, gapEvent } from '../../../support/fake-helper.ts';

/** RFC 5424, section 6: PRI, VERSION, TIMESTAMP, HOSTNAME, APP-NAME, PROCID, MSGID, STRUCTURED-DATA, MSG. */
const MESSAGE =
  /^<(\d{1,3})>1 (-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z) ([\x21-\x7e]{1,255}) platform-probes - ([\x21-\x7e]{1,32}) - (.*)$/su;

function parse(event: object, host = 'web-1', facility = 3) {
  const header = new Headers(host, facility).of(Buffer.from(`${JSON.stringify(event)}\n`));
  const [, priority, time, hostname, id, msg] = MESSAGE.exec(header.toString())!;
  if (msg !== '') throw new Error('something follows the header');
  return { bytes: header.length, facility: Number(priority) >> 3, severity: Number(priority) & 7, time, hostname, id };
}

test('an event has the header of RFC 5424', (t) => {
  t.like(parse(execEvent(7)), {
    facility: 3,
    severity: 6,
    time: '2023-03-15T13:20:00.123456Z',
    hostname: 'web-1',
    id: 'exec',
  });
});

test('a gap is a warning, and a seal is not', (t) => {
  t.like(parse(gapEvent(3, 9)), { severity: 4, id: 'gap', time: '2023-03-15T13:20:05.000000Z' });
  t.like(parse({ type: 'seal', time: '2026-11-29T02:28:24.439Z' }), {
    severity: 6,
    id: 'seal',
    time: '2026-11-29T02:28:24.439Z',
  });
});

test('an alert has the severity of the highest level among its rules', (t) => {
  const severity = (...levels: string[]): number =>
    parse({ ...execEvent(1), rules: levels.map((level) => ({ level })) }).severity;
  t.deepEqual(
    ['informational', 'low', 'medium', 'high', 'critical'].map((level) => severity(level)),
    [6, 5, 4, 3, 2],
  );
  t.is(severity('low', 'critical', 'medium'), 2);
  t.is(severity('later'), 5);
  t.is(severity(), 6);
  t.is(parse(execEvent(1, { command: '"rules":[{"level":"critical"}]' })).severity, 6, 'a command is none');
});

test('type and time are those of the event, whatever its texts and objects hold', (t) => {
  const lure = '{"type":"lure","time":"2001-01-01T00:00:00Z"}';
  t.like(parse(execEvent(1, { command: lure })), { id: 'exec', time: '2023-03-15T13:20:00.123456Z' });
  t.like(parse({ inner: JSON.parse(lure) as object, type: 'later', time: '2024-01-01T00:00:00Z' }), {
    id: 'later',
    time: '2024-01-01T00:00:00Z',
  });
  t.like(parse({ inner: JSON.parse(lure) as object, type: 'later' }), { id: 'later', time: '-' });
});

test('what a header cannot carry is left out or replaced', (t) => {
  t.like(parse({ type: 'späte r]', time: 'noon' }), { id: '-', time: '-' });
  t.like(parse({ type: 'x'.repeat(33), time: 7 }), { id: '-', time: '-' });
  t.is(parse(execEvent(1), 'größe 1').hostname, 'gr??e?1');
  t.is(parse(execEvent(1), '').hostname, '-');
  t.is(parse(execEvent(1), 'h'.repeat(300)).hostname!.length, 255);
});

test('whatever an event holds: the header is of the RFC, and no longer than it may be', (t) => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('type', 'time', 'rules')), fc.jsonValue()),
      fc.oneof(fc.string(), fc.constantFrom('exec', 'gap', 'x'.repeat(32))),
      fc.string({ unit: 'binary', maxLength: 400 }),
      (more, type, host) => t.true(parse({ ...more, type }, host, 23).bytes <= MAX_HEADER_BYTES),
    ),
  );
  const longest = { type: 'x'.repeat(32), time: '2023-03-15T13:20:00.123456789Z' };
  t.is(parse(longest, 'h'.repeat(300), 23).bytes, MAX_HEADER_BYTES);
});

test('facilities have the numbers of the RFC', (t) => {
  t.deepEqual(
    FACILITY_NAMES.map(facilityNumber),
    Array.from({ length: 23 }, (_, i) => i + 1),
  );
  t.is(parse(execEvent(1), 'h', facilityNumber('local7')).facility, 23);
});
