import test from 'ava';
import { parseConfig } from '../../../../agent/config/load.ts';

/** The problems of an output with these keys, as `check` prints them. */
function problemsOf(keys: string): string[] {
  const loaded = parseConfig(`outputs:\n  - { name: a, type: loki, ${keys} }\n`, 'agent.yaml');
  return loaded.ok ? [] : loaded.problems.map(({ message }) => message);
}
const URL_KEY = 'url: "https://loki.example:3100"';
const labels = (count: number): string =>
  `labels: { ${Array.from({ length: count }, (_, i) => `a${i}: b`).join(', ')} }`;

test('what the documents show is taken', (t) => {
  for (const keys of [
    URL_KEY,
    'url: "http://127.0.0.1:9428/insert/?_stream_fields=host"',
    `${URL_KEY}, tenant: "soc-1.a_b!(c)'*"`,
    `${URL_KEY}, labels: { service_name: probes, _site: "b l", A_1: "ü" }`,
    `${URL_KEY}, ${labels(8)}, compression: gzip, format: ocsf`,
    `${URL_KEY}, auth: { user: "1234", password_file: /a }`,
  ])
    t.deepEqual(problemsOf(keys), [], keys);
});

for (const [keys, expected] of [
  ['tenant: a', /missing; expected an address/u],
  ['url: "https://x.example/loki/api/v1/push"', /without \/loki\/api\/v1\/push/u],
  ['url: "https://x.example/?token=hunter2"', /without a secret/u],
  ['url: "http://x.example", tls: {}', /with an https address alone/u],
  ...['', '.', '..', 'a|b', 'a b', 'ü', 'a'.repeat(151)].map(
    (tenant) => [`${URL_KEY}, tenant: "${tenant}"`, /at most 150 letters/u] as const,
  ),
  [`${URL_KEY}, ${labels(9)}`, /at most 8 labels/u],
  [`${URL_KEY}, labels: { host: a }`, /does not set itself/u],
  [`${URL_KEY}, labels: { record: a }`, /does not set itself/u],
  ...['__a', '1a', 'a-b', 'a.b', '"a b"', 'ä', 'a'.repeat(129)].map(
    (name) => [`${URL_KEY}, labels: { ${name}: b }`, /a name of letters, digits and _/u] as const,
  ),
  ...['""', '"a\\nb"', `"${'a'.repeat(257)}"`].map(
    (value) => [`${URL_KEY}, labels: { a: ${value} }`, /a value of 1 to 256 characters/u] as const,
  ),
  [`${URL_KEY}, labels: { a: 5 }`, /expected text/u],
  [`${URL_KEY}, compression: zstd`, /expected/u],
] as const)
  test(`${keys.slice(0, 120)}: refused`, (t) => {
    const problems = problemsOf(keys);
    t.true(
      problems.some((problem) => expected.test(problem)),
      JSON.stringify(problems),
    );
    t.notRegex(JSON.stringify(problems), /hunter2/u);
  });
