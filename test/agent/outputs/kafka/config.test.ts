import test from 'ava';
import { parseConfig } from '../../../../agent/config/load.ts';
import { addressIn } from '../../../../agent/outputs/kafka/address.ts';

const OUTPUT = 'name: soc, type: kafka, brokers: ["k1.example:9092"], topic: events';

/** The problems of an output with these keys, each as it is printed. */
function problemsOf(keys: string): string[] {
  const loaded = parseConfig(`outputs:\n  - { ${keys} }\n`, 'agent.yaml');
  return loaded.ok ? [] : loaded.problems.map((problem) => JSON.stringify(problem));
}

test('a broker is a host and a port', (t) => {
  for (const [text, host, port] of [
    ['kafka1.example:9092', 'kafka1.example', 9092],
    ['kafka_1:1', 'kafka_1', 1],
    ['192.0.2.1:65535', '192.0.2.1', 65_535],
    ['[2001:db8::1]:9092', '2001:db8::1', 9092],
  ] as const)
    t.deepEqual(addressIn(text), { host, port });
  for (const text of [
    '',
    'kafka1',
    'kafka1:',
    ':9092',
    'kafka1:0',
    'kafka1:65536',
    'kafka1:9092/x',
    '2001:db8::1',
    'a b:1',
  ])
    t.is(addressIn(text), undefined, text);
});

test('keys that are wrong are named, and what may be a secret is not shown', (t) => {
  for (const [keys, expected] of [
    [`${OUTPUT}`, undefined],
    [`${OUTPUT}, tls: {}, auth: { user: ada, password_file: /run/p }`, undefined],
    [OUTPUT.replace(', topic: events', ''), /topic/u],
    [OUTPUT.replace('topic: events', 'topic: "a b"'), /expected a topic: letters/u],
    [OUTPUT.replace('topic: events', 'topic: ".."'), /expected a topic: letters/u],
    [OUTPUT.replace('"k1.example:9092"', ''), /expected at least one broker/u],
    [OUTPUT.replace('k1.example:9092', 'SASL_SSL://ada:hunter2@k1:9092'), /expected HOST:PORT/u],
    [`${OUTPUT}, auth: { user: ada }`, /password_file.*missing/u],
    [`${OUTPUT}, auth: { password_file: /run/p }`, /user/u],
    [`${OUTPUT}, auth: { user: ada, password_file: hunter2 }`, /expected the file that holds it/u],
    [`${OUTPUT}, auth: { user: ada, password_file: /run/p, password: hunter2 }`, /auth\.password".*unknown key/u],
    [`${OUTPUT}, auth: { user: ada, password_file: /run/p, mechanism: gssapi }`, /scram-sha-512/u],
    [`${OUTPUT}, compression: snappy`, /none, gzip or zstd/u],
  ] as const) {
    const problems = problemsOf(keys);
    t.is(problems.length, expected === undefined ? 0 : 1, `${keys}: ${problems.join()}`);
    if (expected !== undefined) t.regex(problems[0]!, expected);
    t.notRegex(problems.join(), /hunter2/u);
  }
});
