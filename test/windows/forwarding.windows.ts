import test from 'ava';

import { Sensor } from './support/sensor.ts';

const MANY = 100_000;
const sensor = await Sensor.start();
test.after.always(async () => sensor[Symbol.asyncDispose]());

const lost = (gaps: readonly { count: number }[]): number => gaps.reduce((sum, { count }) => sum + count, 0);

test.serial('the session is asked for what the documentation says', async (t) => {
  await sensor.startHelper();
  await sensor.startAgent();
  t.like(sensor.counts, { enabled: 1, filtered: 1, system_logger: 1, keyword: 0x10 });
});

test.serial('both halves of a process start become one event, for every version', async (t) => {
  await sensor.order('events 10');
  const { events, gaps } = await sensor.written((written) => written.events.length >= 10);
  t.deepEqual(gaps, []);
  t.is(events.length, 10);
  events.forEach((event, i) => {
    const commandLine = `"C:\\Program Files\\tool.exe" --number ${i} "two words" привет`;
    t.like(event, {
      pid: 1000 + 4 * i,
      ppid: 4,
      command: `C:\\Program Files\\дом-😀.exe --number ${i} two words привет`,
      exe: 'C:\\Program Files\\дом-😀.exe',
      argv: ['C:\\Program Files\\tool.exe', '--number', String(i), 'two words', 'привет'],
      command_line: commandLine,
      command_source: 'etw',
      user_sid: 'S-1-5-21-1-2-3-1001',
      session_id: 1,
      comm: 'дом-😀.exe',
      source: 'etw',
    });
    const hasToken = i % 5 >= 3;
    t.is(event.integrity_level, hasToken ? 'medium' : undefined);
    t.is(event.elevated, hasToken ? ((1000 + 4 * i) & 4) !== 0 : undefined);
    const age = Date.now() * 1000 - (event.start_time ?? 0);
    t.true(age > 0 && age < 600e6);
  });
  t.like(events[4]?.parent, { pid: events[3]?.pid, exe: events[3]?.exe, start_time: events[3]?.start_time });
});

test.serial('a half whose other half never comes goes out alone, and says so', async (t) => {
  await sensor.order('halves 3', 'classics 2');
  const { events, gaps } = await sensor.written((written) => written.events.length >= 15);
  t.deepEqual(gaps, []);
  const halves = events.slice(10);
  for (const event of halves.filter(({ pid }) => pid < 300_000)) {
    t.like(event, { command: 'C:\\windows\\System32\\half.exe', exe: 'C:\\windows\\System32\\half.exe' });
    t.is(event.command_line, undefined);
    t.is(event.argv, undefined);
  }
  for (const event of halves.filter(({ pid }) => pid >= 300_000)) {
    t.like(event, { command: 'tool.exe /only', command_line: 'alone.exe /only', command_source: 'etw' });
    t.is(event.exe, undefined);
  }
  t.is(halves.length, 5);
});

test.serial('a process that still runs is asked for what the session did not tell', async (t) => {
  await sensor.order('own 1');
  const { events } = await sensor.written((written) => written.events.length >= 16);
  // Wine does not answer for the command line (class 60); test/helper/windows/ask-process.test.ts does.
  t.is(events[15]?.user_sid, 'S-1-5-21-0-0-0-1000');
  t.regex(events[15]?.logon_id ?? '', /^0x[0-9a-f]+$/);
});

test.serial('what the session counts as lost becomes a gap of so many', async (t) => {
  await sensor.order('lost 5');
  const { gaps } = await sensor.written((written) => written.gaps.length >= 1);
  t.deepEqual(
    gaps.map(({ hop, count, cause }) => [hop, count, cause]),
    [['session', 5, 'session_lost']],
  );
});

test.serial(`${MANY} events arrive in the file, none lost, none twice, in order`, async (t) => {
  t.timeout(480_000);
  const before = await sensor.written(() => true);
  const began = performance.now();
  await sensor.order(`events ${MANY}`);
  const { events, gaps } = await sensor.written(
    (written) => written.events.length + lost(written.gaps) >= before.events.length + lost(before.gaps) + MANY,
    300_000,
  );
  t.log(`${Math.round(MANY / ((performance.now() - began) / 1000))} events a second under Wine`);
  t.deepEqual(
    gaps.slice(before.gaps.length).map(({ hop, count, cause }) => [hop, count, cause]),
    [],
  );
  const fresh = events.slice(before.events.length);
  t.is(fresh.length, MANY);
  const numbers = fresh.map((event) => Number(/--number (\d+)/.exec(event.command_line ?? '')?.[1]));
  t.deepEqual(
    numbers,
    Array.from({ length: MANY }, (_, i) => i),
  );
  const [first] = fresh;
  t.true(fresh.every(({ seq }, i) => seq === (first?.seq ?? 0) + i));
});

test.serial('100,000 broken payloads crash nothing, and each is an event or part of a gap', async (t) => {
  t.timeout(480_000);
  const before = await sensor.written(() => true);
  const sent = sensor.counts;
  await sensor.order('broken 100000 7');
  const { starts, classics } = sensor.counts;
  t.is(starts - sent.starts + (classics - sent.classics), 100_000);
  const unreadable = (gaps: readonly { cause: string; count: number }[]): number =>
    lost(gaps.filter(({ cause }) => cause === 'unreadable'));
  // Of a start that could not be read a gap tells; of one that could, an event, with an image. Classic halves are beside them, and
  // have one where their broken number is that of a process that runs. A start has no start time where its own was broken.
  const having = (key: 'exe' | 'start_time', events: readonly { exe?: string; start_time?: number }[]): number =>
    events.slice(before.events.length).filter((event) => event[key] !== undefined).length;
  const { events, gaps } = await sensor.written(
    (written) => unreadable(written.gaps) + having('exe', written.events) >= starts - sent.starts,
    300_000,
  );
  const [withImage, withTime] = [having('exe', events), having('start_time', events)];
  t.log(`${unreadable(gaps)} unreadable starts, ${withTime} to ${withImage} readable ones`);
  t.true(unreadable(gaps) > 1000);
  t.true(unreadable(gaps) + withTime <= starts - sent.starts);
  t.true(unreadable(gaps) + withImage >= starts - sent.starts);
  t.is(lost(gaps) - unreadable(gaps), lost(before.gaps));
});
