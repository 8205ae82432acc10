import test from 'ava';
import { parseConfig } from '../../../../agent/config/load.ts';

/** The problems of an output with these keys, as `check` prints them. */
function problemsOf(keys: string): string[] {
  const loaded = parseConfig(`outputs:\n  - { name: a, type: otlp, ${keys} }\n`, 'agent.yaml');
  return loaded.ok ? [] : loaded.problems.map(({ message }) => message);
}

const URL = 'url: "https://x.example:4318"';

test('what the documents show is taken', (t) => {
  for (const keys of [
    URL,
    'url: "http://[::1]:4318/v1/logs"',
    'url: "https://x.example/insert/opentelemetry/v1/logs?a=b"',
    `${URL}, encoding: json, compression: gzip, format: ecs`,
    `${URL}, headers: { X-Scope-OrgID: red }, auth: { user: a, password_file: /a }`,
    `${URL}, auth: { token_file: /a, header: X-Api-Key }, tls: { ca: /x }, max_rate: 5`,
    `${URL}, dead_letter: { path: /x/y }, batch: { max_bytes: 8MiB }`,
  ])
    t.deepEqual(problemsOf(keys), [], keys);
});

for (const [keys, expected] of [
  ['encoding: json', /missing; expected an address such as/u],
  ['url: "x.example:4318"', /expected an address such as https/u],
  ['url: "grpc://x.example:4317"', /expected an address such as https/u],
  ['url: "https://ada:hunter2@x.example"', /without user and password/u],
  ['url: "https://x.example/?token=hunter2"', /without a secret/u],
  ['url: "https://x.example/#hunter2"', /without #/u],
  [`${URL}, encoding: grpc`, /"protobuf".*"json"|protobuf.*json/u],
  [`${URL}, compression: zstd`, /none.*gzip/u],
  [`${URL}, headers: { Content-Type: text/plain }`, /no Content-Type and no Accept/u],
  [`${URL}, headers: { accept: text/plain }`, /no Content-Type and no Accept/u],
  [`${URL}, headers: { Authorization: hunter2 }`, /no secret here; use auth/u],
  [`${URL}, headers: { Content-Length: "5" }`, /does not set itself/u],
  ['url: "http://x.example", tls: { ca: /x }', /with an https address alone/u],
  [`${URL}, method: PUT`, /unknown key/u],
  [`${URL}, body: array`, /unknown key/u],
] as const)
  test(`refused, without the secret: ${keys}`, (t) => {
    const problems = problemsOf(keys).join('\n');
    t.regex(problems, expected);
    t.notRegex(problems, /hunter2/u);
  });
