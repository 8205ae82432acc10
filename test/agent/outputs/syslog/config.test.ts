import test from 'ava';
import { parseAddress } from '../../../../agent/outputs/syslog/address.ts';
import { parseConfig } from '../../../../agent/config/load.ts';
import { formatProblem } from '../../../../agent/problem.ts';
import { agent } from '../../support/run.ts';
import { Workplace } from '../../support/agent-process.ts';

function problemsOf(keys: string): string[] {
  const loaded = parseConfig(`outputs:\n  - { name: soc, type: syslog, ${keys} }\n`, 'test');
  return loaded.ok ? [] : loaded.problems.map(formatProblem);
}

for (const keys of [
  'transport: relp, address: "logs.example:2514"',
  'transport: relp, address: "logs.example:2514", tls: {}',
  'transport: tcp, address: "[2001:db8::7]:601", facility: authpriv, max_message_bytes: 8KiB',
  'transport: unix, path: /run/rsyslog/probes.sock',
])
  test(`{ ${keys} } is good`, (t) => {
    t.deepEqual(problemsOf(keys), []);
  });

for (const [keys, problem] of [
  ['address: "logs.example:2514"', /transport: missing; expected relp, tcp or unix/u],
  ['transport: tls, address: "logs.example:6514"', /transport: expected relp, tcp or unix, got "tls"/u],
  ['transport: udp, address: "logs.example:514"', /transport: expected relp, tcp or unix/u],
  ['transport: relp', /address: expected with transport relp/u],
  ['transport: unix', /path: expected with transport unix/u],
  ['transport: unix, path: /run/x, address: "a:1"', /address: expected no address with transport unix/u],
  ['transport: tcp, path: /run/x, address: "a:1"', /path: expected no path with transport tcp/u],
  ['transport: unix, path: /run/x, tls: {}', /tls: expected with relp and tcp alone/u],
  ['transport: unix, path: /dev/log', /path: expected a stream socket: .* let rsyslog listen with imptcp/u],
  ['transport: unix, path: run/x', /path: expected an absolute path/u],
  ['transport: tcp, address: logs.example', /address: expected a host and its port, such as/u],
  ['transport: tcp, address: "logs.example:0"', /address: expected a host and its port/u],
  ['transport: tcp, address: "logs.example:65536"', /address: expected a host and its port/u],
  ['transport: tcp, address: "tcp://logs.example:1"', /address: expected a host and its port/u],
  ['transport: tcp, address: "a b:1"', /address: expected a host and its port/u],
  ['transport: tcp, address: "a:1", facility: kern', /facility: /u],
] as const)
  test(`{ ${keys} } is a problem`, (t) => {
    const problems = problemsOf(keys);
    t.is(problems.length, 1, problems.join('\n'));
    t.regex(problems[0]!, problem);
  });

test('addresses are read into host and port', (t) => {
  t.deepEqual(parseAddress('logs.example:2514'), { host: 'logs.example', port: 2514 });
  t.deepEqual(parseAddress('192.0.2.7:1'), { host: '192.0.2.7', port: 1 });
  t.deepEqual(parseAddress('[::1]:65535'), { host: '::1', port: 65_535 });
});

test('check warns of transports without acknowledgements, and not of RELP', async (t) => {
  using work = new Workplace();
  work.configure(`outputs:
  - { name: a, type: syslog, transport: relp, address: "127.0.0.1:1" }
  - { name: b, type: syslog, transport: tcp, address: "127.0.0.1:1" }
  - { name: c, type: syslog, transport: unix, path: /run/x }
`);
  const { code, stderr } = await agent('check', '--config', work.configFile);
  t.is(code, 0);
  const warnings = stderr.split('\n').filter((line) => line.includes('no acknowledgement'));
  t.deepEqual(
    warnings.map((line) => line.slice(0, 47)),
    ['warning: output "b": transport tcp has no ackno', 'warning: output "c": transport unix has no ackn'],
  );
});
