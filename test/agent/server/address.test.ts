import test from 'ava';
import { parseConfig } from '../../../agent/config/load.ts';
import { formatAddress, parseAddress } from '../../../agent/server/address.ts';

test('loopback addresses and Unix sockets are read, and written the same', (t) => {
  for (const [text, address] of [
    ['127.0.0.1:9464', { kind: 'tcp', host: '127.0.0.1', port: 9464 }],
    ['127.8.9.1:1', { kind: 'tcp', host: '127.8.9.1', port: 1 }],
    ['[::1]:65535', { kind: 'tcp', host: '::1', port: 65_535 }],
    ['unix:/run/x/metrics.sock', { kind: 'unix', path: '/run/x/metrics.sock' }],
  ] as const) {
    t.deepEqual(parseAddress(text, 'linux'), address);
    t.is(formatAddress(address), text);
  }
});

for (const [text, reason] of [
  ['0.0.0.0:9464', /^0\.0\.0\.0 can be reached from other machines, .* expected a loopback address/],
  ['[::]:9464', /^:: can be reached from other machines/],
  ['192.168.1.7:9464', /can be reached from other machines/],
  ['[::ffff:127.0.0.1]:9464', /can be reached from other machines/],
  ['128.0.0.1:9464', /can be reached from other machines/],
  ['localhost:9464', /a name such as "localhost" can lead elsewhere/],
  ['127.0.0.1.example:9464', /can lead elsewhere/],
  ['127.1:9464', /can lead elsewhere/],
  [':9464', /can lead elsewhere/],
  ['127.0.0.1', /expected a loopback address with a port/],
  ['9464', /expected a loopback address with a port/],
  ['::1:9464', /expected a loopback address with a port/],
  ['http://127.0.0.1:9464', /expected a loopback address with a port/],
  ['127.0.0.1:0', /expected a port from 1 to 65535/],
  ['127.0.0.1:65536', /expected a port from 1 to 65535/],
  ['unix:metrics.sock', /expected an absolute path/],
  ['unix:', /expected an absolute path/],
  [`unix:/${'x'.repeat(107)}`, /at most 107 bytes/],
] as const)
  test(`"${text.slice(0, 40)}" is refused, and why`, (t) => {
    const refusal = parseAddress(text, 'linux');
    t.is(typeof refusal, 'string');
    t.regex(String(refusal), reason);
  });

test('Windows has no Unix sockets here', (t) => {
  t.regex(String(parseAddress('unix:/run/metrics.sock', 'win32')), /not for Windows/);
});

test('a wrong address is told with its place and what was found', (t) => {
  const result = parseConfig(
    'outputs: [{ name: a, type: stdout }]\nmetrics: { listen: "0.0.0.0:9464" }\n',
    'agent.yaml',
  );
  const problem = result.ok ? undefined : result.problems[0];
  t.deepEqual([problem?.line, problem?.column, problem?.path], [2, 20, 'metrics.listen']);
  t.regex(String(problem?.message), /^0\.0\.0\.0 can be reached .*, got "0\.0\.0\.0:9464"$/);
  for (const metrics of ['{}', '{ listen: 9464 }', '{ listen: "127.0.0.1:1", lisen: x }', 'on'])
    t.false(parseConfig(`outputs: [{ name: a, type: stdout }]\nmetrics: ${metrics}\n`, 'x').ok, metrics);
});
