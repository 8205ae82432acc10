import test from 'ava';
import { parseConfig } from '../../../../agent/config/load.ts';

/** The problems of an output with these keys, as `check` prints them. */
function problemsOf(keys: string): string[] {
  const loaded = parseConfig(`outputs:\n  - { name: a, type: elasticsearch, ${keys} }\n`, 'agent.yaml');
  return loaded.ok ? [] : loaded.problems.map(({ message }) => message);
}
const URL_KEY = 'url: "https://es.example:9200"';

test('what the documents show is taken', (t) => {
  for (const keys of [
    URL_KEY,
    'url: "http://127.0.0.1:9428/insert/elasticsearch/?_msg_field=process.command_line"',
    `${URL_KEY}, data_stream: logs-platform_probes.process-prod`,
    `${URL_KEY}, index: probes-2026.11`,
    `${URL_KEY}, index: ünï`,
    `${URL_KEY}, index: probes, format: native`,
    `${URL_KEY}, index: probes, format: ocsf, compression: gzip`,
    `${URL_KEY}, auth: { token_file: /a, scheme: ApiKey }, headers: { X-Site: b }`,
    `${URL_KEY}, index: ${'a'.repeat(255)}`,
  ])
    t.deepEqual(problemsOf(keys), [], keys);
});

for (const [keys, expected] of [
  ['index: a', /missing; expected an address/u],
  ['url: "ftp://x"', /expected an address such as/u],
  ['url: "https://ada:hunter2@x.example"', /without user and password/u],
  ['url: "https://x.example/?api_key=hunter2"', /without a secret/u],
  ['url: "https://x.example/_bulk"', /without \/_bulk/u],
  ['url: "http://x.example", tls: {}', /with an https address alone/u],
  [`${URL_KEY}, index: a, data_stream: b`, /data_stream or index, and not both/u],
  [`${URL_KEY}, format: native`, /expected ecs: a data stream wants @timestamp/u],
  [`${URL_KEY}, data_stream: a, format: ocsf`, /expected ecs/u],
  ...[
    'A',
    '_a',
    '-a',
    '+a',
    '.a',
    'a b',
    'a/b',
    'a*',
    'a?',
    'a"',
    'a<',
    'a|',
    'a,b',
    'a#',
    'a:b',
    'a\\\\b',
    '',
    '.',
    '..',
  ].map((name) => [`${URL_KEY}, index: ${JSON.stringify(name)}`, /a name as Elasticsearch takes it/u] as const),
  [`${URL_KEY}, index: ${'a'.repeat(256)}`, /at most 255 bytes/u],
  [`${URL_KEY}, index: ${'ü'.repeat(128)}`, /at most 255 bytes/u],
  [`${URL_KEY}, headers: { Authorization: hunter2 }`, /expected no secret here/u],
  [`${URL_KEY}, compression: zstd`, /expected/u],
  [`${URL_KEY}, method: PUT`, /unknown key|method/u],
] as const)
  test(`${keys}: refused, without showing a secret`, (t) => {
    const problems = problemsOf(keys);
    t.true(
      problems.some((problem) => expected.test(problem)),
      JSON.stringify(problems),
    );
    t.notRegex(JSON.stringify(problems), /hunter2/u);
  });
