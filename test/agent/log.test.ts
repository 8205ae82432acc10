import test from 'ava';
import { formatForTerminal } from '../../agent/log.ts';

const NO_COLOURS = { ...process.env };
test.before(() => {
  delete process.env['FORCE_COLOR'];
  process.env['NO_COLOR'] = '1';
});
test.after.always(() => {
  process.env = NO_COLOURS;
});

const record = (fields: object): string =>
  JSON.stringify({ level: 'warn', time: '2023-03-15T13:20:00.000Z', pid: 7, name: 'probes-agent', ...fields });

test('a log line for people is time, level, message and fields', (t) => {
  const line = formatForTerminal(record({ event: 'OutputFailed', output: 'local', tries: 3, msg: 'an output failed' }));
  t.regex(line, /^\d\d:\d\d:\d\d warn {2}an output failed {2}output=local tries=3\n$/);
});

test('what others chose cannot control the terminal through the log', (t) => {
  const line = formatForTerminal(record({ reason: 'bad \x1b[2J\nfake line', msg: 'refused' }));
  t.is(line.split('\n').length, 2);
  t.false(line.includes('\x1b'));
  t.true(line.includes('\\x1b[2J\\nfake line'));
});
