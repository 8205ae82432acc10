import test from 'ava';
import { MAX_FORMS } from '../../../agent/completeness/ledger.ts';
import { execEvent } from '../../support/fake-helper.ts';
import { sealedStreams } from '../../support/sealed-streams.ts';
import { verdictsOf } from './support.ts';

const LINES = sealedStreams({ seed: 5, hosts: 2, boots: 2, rough: false }).map(({ text }) => text);
const SEAL = LINES.find((text) => text.startsWith('{"type":"seal"'))!;

/** One cause of trouble each, and the fault that is named. */
const HOSTILE: ReadonlyArray<readonly [title: string, line: string | Buffer, fault: string]> = [
  ['no JSON', 'nonsense', 'not_json'],
  ['half a line', LINES[3]!.slice(0, 40), 'not_json'],
  ['a number', '7', 'not_json'],
  ['an array', '[]', 'not_json'],
  ['null', 'null', 'not_json'],
  ['a deep nest', '['.repeat(200_000), 'not_json'],
  ['no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), 'not_utf8'],
  ['no UTF-8 in a line of ours', Buffer.from(LINES[0]!.replace('/bin', '\u00ff\u00ff\u00ff'), 'latin1'), 'not_utf8'],
  ['zeros', Buffer.alloc(100), 'not_json'],
  ['an event that does not say where it is from', JSON.stringify(execEvent(7)), 'no_identity'],
  ['a host without a name', LINES[0]!.replace(/"host_id":"\w+"/u, '"host_id":""'), 'no_identity'],
  [
    'a host with an endless name',
    LINES[0]!.replace('"walrus-0"', '0').replace(/"stream":"\w+"/u, `"stream":"${'x'.repeat(2000)}"`),
    'no_identity',
  ],
  ['a number that is none', LINES[0]!.replace(/"seq":\d+/u, '"seq":1.5'), 'bad_number'],
  ['a number below zero', LINES[0]!.replace(/"seq":\d+/u, '"seq":-1'), 'bad_number'],
  ['a number that is too large', LINES[0]!.replace(/"seq":\d+/u, '"seq":99999999999999999999'), 'bad_number'],
  ['a number with a zero in front', LINES[0]!.replace(/"seq":\d+/u, '"seq":007'), 'bad_number'],
  ['a seal number that is none', LINES[0]!.replace(/"seal":\d+\}$/u, '"seal":"x"}'), 'bad_number'],
  ['a seal number that is too large', LINES[0]!.replace(/"seal":\d+\}$/u, '"seal":9999999999999999}'), 'bad_number'],
  ['a seal number below zero', LINES[0]!.replace(/"seal":\d+\}$/u, '"seal":-5}'), 'bad_number'],
  ['a seal number that is not whole', LINES[0]!.replace(/"seal":\d+\}$/u, '"seal":1.5}'), 'bad_number'],
  ['a seal number beyond all', LINES[0]!.replace(/"seal":\d+\}$/u, '"seal":1e300}'), 'bad_number'],
  ['a gap that is none', LINES[0]!.replace(/^.*(?=,"host_id")/u, '{"type":"gap","first":1'), 'bad_gap'],
  [
    'a gap that ends before it begins',
    LINES[0]!.replace(
      /^.*(?=,"host_id")/u,
      '{"type":"gap","time":"2026-11-29T02:00:00Z","hop":"ring","first":9,"last":3,"count":1,"cause":"x"',
    ),
    'bad_gap',
  ],
  ['a seal that is none', LINES[0]!.replace(/^.*(?=,"host_id")/u, '{"type":"seal","from":-5'), 'bad_seal'],
  ['a seal without a number', SEAL.replace(/,"seal":\d+\}$/u, '}'), 'bad_seal'],
];

for (const [title, line, fault] of HOSTILE)
  test(`${title}: named with its place, and the rest is judged`, (t) => {
    const { verdicts, input } = verdictsOf([...LINES.slice(0, 10), line, ...LINES.slice(10)]);
    t.deepEqual([...input.faults], [[fault, 1]]);
    t.like(input.faulty, { length: 1, 0: { file: 'lines', line: 11, fault } } as object);
    t.is(verdicts.filter(({ complete }) => complete).length, 8);
  });

test('empty lines, and ends of lines from Windows, change nothing', (t) => {
  const { verdicts, input } = verdictsOf(LINES.flatMap((line) => [`${line}\r`, '', '\r']));
  t.is(input.faults.size, 0);
  t.true(verdicts.every(({ complete }) => complete));
  t.deepEqual(verdicts, verdictsOf(LINES).verdicts);
});

test('it does not matter where the reads are cut', (t) => {
  const whole = JSON.stringify(verdictsOf(LINES, { pieceBytes: 2 ** 24 }).verdicts);
  for (const pieceBytes of [7, 100, 4096]) t.is(JSON.stringify(verdictsOf(LINES, { pieceBytes }).verdicts), whole);
});

test('text in an argument is not taken for the end of the line, or for its number', (t) => {
  const event = LINES.find((text) => text.includes('"seal":2}'))!;
  const tail = /,"host_id".*$/u.exec(event)![0];
  const [other] = verdictsOf([
    ...LINES,
    event.replace('/bin/', JSON.stringify(`${tail},"seq":77,`).slice(1, -1)),
  ]).verdicts;
  const [plain] = verdictsOf(LINES).verdicts;
  t.deepEqual(other, plain);
});

test('lines with other fields at their end are read too', (t) => {
  const moved = LINES.map((text) => {
    const { host_id, seal, ...rest } = JSON.parse(text) as Record<string, unknown>;
    return JSON.stringify({ seal, host_id, ...rest });
  });
  const { verdicts, input } = verdictsOf(moved);
  t.is(input.faults.size, 0);
  t.deepEqual(
    verdicts.map(({ complete, complete_to: to }) => [complete, to]),
    verdictsOf(LINES).verdicts.map(({ complete, complete_to: to }) => [complete, to]),
  );
});

test('seals of one number in ever more forms are refused, and the stream is not complete', (t) => {
  const forms = Array.from({ length: MAX_FORMS + 5 }, (_, i) =>
    SEAL.replace(/"kernel_count":\d+/u, `"kernel_count":${i}`),
  );
  const { input } = verdictsOf([...LINES, ...forms]);
  t.true(input.faults.get('too_many_forms')! >= 5);
});
