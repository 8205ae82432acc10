import test from 'ava';
import { parseConfig } from '../../../../agent/config/load.ts';
import { addressOf } from '../../../../agent/outputs/nats/config.ts';
import { subjectOf, subjectPattern } from '../../../../agent/outputs/nats/subject.ts';

/** The problems of an output with these keys, as `check` prints them. */
function problemsOf(keys: string): string[] {
  const loaded = parseConfig(`outputs:\n  - { name: a, type: nats, ${keys} }\n`, 'agent.yaml');
  return loaded.ok ? [] : loaded.problems.map(({ message }) => message);
}
const SERVERS = 'servers: ["nats://x.example"]';

test('what the documents show is taken', (t) => {
  for (const keys of [
    SERVERS,
    'servers: ["nats://[::1]:4223", "tls://x.example/", "nats://1.2.3.4"]',
    `${SERVERS}, subject: "a.{host_id}-x.{type}", stream: PROBES_1, inbox_prefix: "_INBOX.a"`,
    `${SERVERS}, auth: { creds_file: /a.creds }`,
    `${SERVERS}, auth: { nkey_file: $CREDENTIALS_DIRECTORY/nkey }`,
    `${SERVERS}, auth: { token_file: /a }`,
    `${SERVERS}, auth: { user: a, password_file: /a }`,
    'servers: ["tls://x.example"], tls_first: true',
    `${SERVERS}, tls: { ca: /x }, tls_first: true`,
  ])
    t.deepEqual(problemsOf(keys), [], keys);
});

for (const [keys, expected] of [
  ['subject: a', /missing; expected a list of addresses/u],
  ['servers: []', /at least one address/u],
  ['servers: "nats://x"', /a list of addresses/u],
  ['servers: ["x.example:4222"]', /expected an address such as nats/u],
  ['servers: ["http://x.example"]', /expected an address such as nats/u],
  ['servers: ["nats://"]', /expected an address such as nats/u],
  ['servers: ["nats://ada:hunter2@x.example"]', /without user, password and token/u],
  ['servers: ["nats://hunter2@x.example"]', /without user, password and token/u],
  ['servers: ["nats://x.example/?token=hunter2"]', /host and port alone/u],
  ['servers: ["nats://x.example:99999"]', /expected an address such as nats/u],
  [`servers: [${Array.from({ length: 17 }, () => '"nats://x"').join()}]`, /at most 16/u],
  [`${SERVERS}, subject: "a..b"`, /expected a subject such as/u],
  [`${SERVERS}, subject: "a b"`, /expected a subject such as/u],
  [`${SERVERS}, subject: "a.*"`, /expected a subject such as/u],
  [`${SERVERS}, subject: "a.>"`, /expected a subject such as/u],
  [`${SERVERS}, subject: "a.{b}"`, /expected one of \{host_id\}.*, not \{b\}/u],
  [`${SERVERS}, subject: "a.{type"`, /expected a subject such as/u],
  [`${SERVERS}, subject: "$JS.API.x"`, /not the server's own/u],
  [`${SERVERS}, subject: "${'a'.repeat(300)}"`, /at most 256/u],
  [`${SERVERS}, stream: "a.b"`, /the name of a stream/u],
  [`${SERVERS}, stream: "a b"`, /the name of a stream/u],
  [`${SERVERS}, inbox_prefix: "a.>"`, /a subject such as _INBOX/u],
  [`${SERVERS}, tls_first: true`, /only together with tls/u],
  [`${SERVERS}, auth: {}`, /expected user with password_file, or one of/u],
  [`${SERVERS}, auth: { user: a }`, /expected user with password_file, or one of/u],
  [`${SERVERS}, auth: { user: a, token_file: /a }`, /expected user with password_file, or one of/u],
  [`${SERVERS}, auth: { nkey_file: /a, creds_file: /a }`, /expected user with password_file, or one of/u],
  [`${SERVERS}, auth: { nkey_file: hunter2 }`, /the file that holds it/u],
  [`${SERVERS}, auth: { creds: hunter2 }`, /creds/u],
] as const)
  test(`refused, without the secret: ${keys}`, (t) => {
    const problems = problemsOf(keys).join('\n');
    t.regex(problems, expected);
    t.notRegex(problems, /hunter2/u);
  });

test('addresses have port 4222, and TLS where it is asked for', (t) => {
  t.deepEqual(addressOf('nats://[::1]', undefined), { host: '::1', port: 4222, tls: false });
  t.deepEqual(addressOf('tls://x.example:1', undefined), { host: 'x.example', port: 1, tls: true });
  t.deepEqual(addressOf('nats://x.example', { verify: true }), { host: 'x.example', port: 4222, tls: true });
});

test('a pattern for a stream takes every subject of the template', (t) => {
  t.is(subjectPattern('probes.{host_id}.{type}'), 'probes.>');
  t.is(subjectPattern('a.b-{type}.c'), 'a.>');
  t.is(subjectPattern('a.b'), 'a.b');
  t.is(subjectPattern('{host}.b'), '>');
  const values = { host_id: '', host: 'h.example', boot_id: 'ü', stream: 's', type: 'x'.repeat(1000) };
  t.is(subjectOf('{host_id}.{host}.{boot_id}', values), '_.h_example._');
  t.is(subjectOf('{type}', values).length, 128);
});
