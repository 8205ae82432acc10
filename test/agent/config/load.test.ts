import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { loadConfig, MAX_CONFIG_BYTES, MAX_PROBLEMS, parseConfig } from '../../../agent/config/load.ts';
import { GOOD, problemsOf } from './support.ts';

test('the least configuration has every default', (t) => {
  const result = parseConfig(
    'outputs:\n  - { name: a, type: stdout }\n  - { name: b, type: file, path: /x }\n',
    'agent.yaml',
  );
  t.deepEqual(result.ok && result.config, {
    enrichment: { hash_rate: 33_554_432 },
    filters: [],
    containers: { names: [] },
    redaction: { enabled: true, patterns: [], except: [] },
    source: { socket: '/run/platform-probes/events.sock' },
    outputs: [
      { name: 'a', type: 'stdout', events: 'all', format: 'native', view: 'auto', max_queue_bytes: 33_554_432 },
      {
        name: 'b',
        type: 'file',
        path: '/x',
        events: 'all',
        format: 'native',
        max_bytes: 67_108_864,
        max_files: 5,
        identity: false,
        max_queue_bytes: 33_554_432,
      },
    ],
    log: { level: 'info' },
    shutdown_timeout: 5000,
  });
});

test('engines that are asked for names of containers', (t) => {
  const one = (text: string) => problemsOf(`${GOOD}containers: { names: [${text}] }\n`);
  t.deepEqual(one('{ runtime: podman, socket: /run/podman/podman.sock }'), []);
  t.regex(
    one('{ runtime: lxc, socket: /x }')[0]!,
    /containers\.names\[0\]\.runtime: expected docker or podman, got "lxc"/,
  );
  t.regex(one('{ runtime: docker, socket: docker.sock }')[0]!, /containers\.names\[0\]\.socket: .*absolute/);
  t.regex(one(`{ runtime: docker, socket: /${'x'.repeat(200)} }`)[0]!, /at most \d+ bytes/);
  t.is(one(Array.from({ length: 9 }, () => '{ runtime: docker, socket: /x }').join()).length, 1);
  t.regex(problemsOf(`${GOOD}containers: { name: [] }\n`)[0]!, /did you mean names/);
});

test('rules have defaults as soon as they are asked for', (t) => {
  const result = parseConfig(`${GOOD}rules: {}\n`, 'agent.yaml');
  t.deepEqual(result.ok && result.config.rules, {
    builtin: true,
    folders: [],
    min_level: 'low',
    placeholders: {},
    suppress: [],
  });
});

test('what is wrong with filters and rules is reported with everything else, each at its place', (t) => {
  t.deepEqual(
    problemsOf(`filters:
  - name: noise
    detection:
      tool: { Image|endwith: /cc1 }
      condition: tool or
    action: dorp
  - { detection: { a: { 'User|expand': '%nobody%' }, condition: a }, actoin: drop }
rules:
  builtin: yes please
  folders: [rules]
  min_levle: low
  suppress:
    - { rules: [], report: once a day }
outputs: [{ name: a, type: stdout }]
`),
    [
      'agent.yaml:4:15: filters[0].detection.tool.Image|endwith: unknown modifier "endwith", did you mean "endswith"?',
      'agent.yaml:5:25: filters[0].detection.condition: the condition ends too early',
      'agent.yaml:6:13: filters[0].action: the action is "drop" or "keep", not "dorp"',
      'agent.yaml:7:5: filters[1]: the action is "drop" or "keep", and it is missing',
      'agent.yaml:7:40: filters[1].detection.a.User|expand: the placeholder %nobody% has no values in the configuration',
      'agent.yaml:7:78: filters[1].actoin: unknown key "actoin", did you mean "action"?',
      'agent.yaml:9:12: rules.builtin: expected true or false, got "yes please"',
      'agent.yaml:10:13: rules.folders[0]: expected an absolute path, got "rules"',
      'agent.yaml:11:3: rules.min_levle: unknown key, did you mean min_level?',
      'agent.yaml:13:16: rules.suppress[0].rules: expected at least one rule; leave the key out for all, got []',
      'agent.yaml:13:28: rules.suppress[0].report: expected such as "once per 10m per exe": a number with s, m, h or d, then any number of "per FIELD", got "once a day"',
    ],
  );
});

test('filters are compiled with the placeholders of the configuration', (t) => {
  const result = parseConfig(
    `${GOOD}rules: { placeholders: { admins: [ada, root] } }\nfilters: [{ detection: { a: { 'User|expand': '%admins%' }, condition: a }, action: keep }]\n`,
    'agent.yaml',
  );
  t.is(result.ok && result.config.filters.length, 1);
});

test('an output for alerts without rules is refused: it would get nothing', (t) => {
  const text = 'outputs: [{ name: a, type: stdout, events: alerts }]\n';
  t.deepEqual(problemsOf(text), [
    'agent.yaml:1:44: outputs[0].events: there are no alerts without rules; "rules: {}" uses the starter rules',
  ]);
  t.deepEqual(problemsOf(`${text}rules: {}\n`), []);
});

test('every problem is reported at once, in the order of the file, with place, reason and value', (t) => {
  t.deepEqual(
    problemsOf(`source:
  sockt: /run/x
outputs:
  - name: local
    type: file
    path: events.jsonl
    max_bytes: 64MB
    max_files: 0
  - name: local
    type: stdout
    vew: live
  - name: soc
    type: fiel
  - name: bad name
    type: stdout
    events: alrets
log: { level: loud }
shutdown_timeout: 5
`),
    [
      'agent.yaml:2:3: source.sockt: unknown key, did you mean socket?',
      'agent.yaml:6:11: outputs[0].path: expected an absolute path, got "events.jsonl"',
      'agent.yaml:7:16: outputs[0].max_bytes: expected a size with its unit: B, KiB, MiB, GiB or TiB, such as 64MiB, got "64MB"',
      'agent.yaml:8:16: outputs[0].max_files: expected a whole number from 1 to 1000, got 0',
      'agent.yaml:9:11: outputs[1].name: "local" is already the name of outputs[0]',
      'agent.yaml:11:5: outputs[1].vew: unknown key, did you mean view?',
      'agent.yaml:13:11: outputs[2].type: expected stdout, file, http, syslog, nats, kafka, otlp, elasticsearch or loki, got "fiel", did you mean file?',
      'agent.yaml:14:11: outputs[3].name: expected a name: letters, digits, ".", "_" or "-", at most 64, got "bad name"',
      'agent.yaml:15:11: outputs[3].type: outputs[1] already writes there; each place can have one output',
      'agent.yaml:16:13: outputs[3].events: expected all or alerts, got "alrets", did you mean alerts?',
      'agent.yaml:17:15: log.level: expected debug, info, warn or error, got "loud"',
      'agent.yaml:18:19: shutdown_timeout: expected a duration with its unit: ms, s, m, h or d, such as 5s, got 5',
    ],
  );
});

test('what is missing is reported where it should be', (t) => {
  t.deepEqual(problemsOf('log: {}\n'), ['agent.yaml:1:1: outputs: missing; expected a list']);
  t.deepEqual(problemsOf('outputs:\n  - type: file\n'), [
    'agent.yaml:2:5: outputs[0].name: missing; expected a name: letters, digits, ".", "_" or "-", at most 64',
    'agent.yaml:2:5: outputs[0].path: missing; expected an absolute path',
  ]);
  t.deepEqual(problemsOf('outputs:\n  - name: a\n'), [
    'agent.yaml:2:5: outputs[0].type: missing; expected stdout, file, http, syslog, nats, kafka, otlp, elasticsearch or loki',
  ]);
});

test('values of the wrong kind say what was expected', (t) => {
  t.deepEqual(problemsOf('[]'), ['agent.yaml:1:1: expected a map of keys, got []']);
  t.deepEqual(problemsOf('outputs: yes\n'), ['agent.yaml:1:10: outputs: expected a list of outputs, got "yes"']);
  t.deepEqual(problemsOf('outputs: []\n'), ['agent.yaml:1:10: outputs: expected at least one output, got []']);
  t.deepEqual(problemsOf(`${GOOD}source: /run/x\n`), ['agent.yaml:2:9: source: expected a map of keys, got "/run/x"']);
  t.deepEqual(problemsOf('outputs: [file]\n'), ['agent.yaml:1:11: outputs[0]: expected a map of keys, got "file"']);
});

test('a size or duration out of bounds says the bounds', (t) => {
  t.deepEqual(problemsOf('outputs: [{ name: a, type: file, path: /x, max_bytes: 1KiB }]\n'), [
    'agent.yaml:1:55: outputs[0].max_bytes: expected 4KiB to 1TiB, got "1KiB"',
  ]);
  t.deepEqual(problemsOf(`${GOOD}shutdown_timeout: 1h\n`), [
    'agent.yaml:2:19: shutdown_timeout: expected 100ms to 10m, got "1h"',
  ]);
});

test('a socket path longer than the system allows is refused', (t) => {
  t.regex(
    problemsOf(`${GOOD}source: { socket: /${'x'.repeat(107)} }\n`)[0]!,
    /source\.socket: expected a path of at most 107 bytes/,
  );
});

test('keys of what is not built are errors, not promises', (t) => {
  for (const key of ['page', 'telemetry', 'plugins'])
    t.deepEqual(problemsOf(`${GOOD}${key}: {}\n`), [`agent.yaml:2:1: ${key}: unknown key`]);
});

test('a value that breaks two bounds at once is one problem', (t) => {
  const file = (keys: string) => problemsOf(`outputs: [{ name: a, type: file, path: /x, ${keys} }]\n`);
  t.deepEqual(file('max_files: 1e99'), [
    'agent.yaml:1:55: outputs[0].max_files: expected a whole number from 1 to 1000, got 1e+99',
  ]);
});

test('syntax errors have a place as well', (t) => {
  const [problem] = problemsOf('outputs:\n  - name: "a\n');
  t.regex(problem!, /^agent\.yaml:3:1: not valid YAML: Missing closing "quote/);
});

test('a key that is given twice is refused', (t) => {
  t.deepEqual(problemsOf(`${GOOD}log: {}\nlog: {}\n`), ['agent.yaml:3:1: the key "log" stands here twice']);
});

test('aliases that grow without end are refused before they grow', (t) => {
  const levels = Array.from({ length: 20 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i},`.repeat(9)}]`);
  const [problem] = problemsOf(`l0: &l0 [x]\n${levels.join('\n')}\n`);
  t.regex(problem!, /more than 200000 values, those that aliases stand for among them/);
});

test('a second document in the file is refused', (t) => {
  t.regex(problemsOf(`${GOOD}---\n${GOOD}`)[0]!, /^agent\.yaml:3:1: another document begins here/);
});

test('an unknown tag is refused', (t) => {
  t.regex(problemsOf('outputs: !!js/function x\n')[0]!, /^agent\.yaml:1:10: the tag !!js\/function is not read/);
});

test('a key named __proto__ changes nothing but is refused', (t) => {
  t.deepEqual(problemsOf(`${GOOD}__proto__: { source: {} }\n`), ['agent.yaml:2:1: __proto__: unknown key']);
});

test('it is not passed over where any key may stand', (t) => {
  for (const [path, text] of [
    ['rules.placeholders', `${GOOD}rules: { placeholders: { __proto__: [a] } }`],
    ['outputs[0].headers', 'outputs: [{ name: a, type: http, url: "https://x/", headers: { __proto__: a } }]'],
  ] as const) {
    const problems = problemsOf(`${text}\n`);
    t.is(problems.length, 1);
    t.true(problems[0]!.endsWith(`: ${path}.__proto__: unknown key`), problems[0]);
  }
});

test('a value is shown cut and cannot send controls to the terminal', (t) => {
  const [problem] = problemsOf(`${GOOD}log: { level: "\\e[31m${'x'.repeat(200)}" }\n`);
  t.false(problem!.includes('\x1b'));
  t.true(problem!.length < 200);
});

test('an empty file says what it needs', (t) => {
  t.deepEqual(problemsOf('# nothing\n'), ['agent.yaml:1:1: the file is empty; it needs at least "outputs"']);
});

test('a file that is missing, a folder, or too large is a problem like any other', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'probes-config-'));
  try {
    const large = join(folder, 'large.yaml');
    writeFileSync(large, '#'.repeat(MAX_CONFIG_BYTES + 1));
    const messages = [join(folder, 'none.yaml'), folder, large].map((file) => {
      const result = loadConfig(file);
      return result.ok ? 'good' : result.problems.map(({ message }) => message).join();
    });
    t.regex(messages[0]!, /no such file/);
    t.regex(messages[1]!, /not a regular file/);
    t.regex(messages[2]!, /1048577 bytes long; at most 1048576 are read/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a merge key is merged, with places of what it brings', (t) => {
  const text = 'outputs:\n  - &a { name: a, type: file, path: /a }\n  - { <<: *a, name: b, path: /b }\n';
  const result = parseConfig(text, 'agent.yaml');
  t.deepEqual(result.ok && result.config.outputs.map(({ name, type }) => [name, type]), [
    ['a', 'file'],
    ['b', 'file'],
  ]);
  t.deepEqual(problemsOf(text.replace('file, path: /a', 'fiel, path: /a')), [
    'agent.yaml:2:25: outputs[0].type: expected stdout, file, http, syslog, nats, kafka, otlp, elasticsearch or loki, got "fiel", did you mean file?',
    'agent.yaml:2:25: outputs[1].type: expected stdout, file, http, syslog, nats, kafka, otlp, elasticsearch or loki, got "fiel", did you mean file?',
  ]);
});

test('what is nested too deeply, or is no text that YAML allows, says so', (t) => {
  t.regex(problemsOf(`outputs: ${'['.repeat(5000)}`)[0]!, /^agent\.yaml:1:\d+: nested too deeply/);
  t.regex(problemsOf(`${GOOD}log: {}\0\n`)[0]!, /^agent\.yaml:2:8: a NUL character/);
  t.regex(problemsOf(`${GOOD}log:\n\tlevel: info\n`)[0]!, /^agent\.yaml:3:1: not valid YAML: Tabs/);
  t.regex(problemsOf(`${GOOD}log: { level: ${'x'.repeat(500_000)} }\n`)[0]!, /log\.level: expected debug/);
  t.deepEqual(problemsOf(`\ufeff${GOOD}`), []);
});

test('a configuration in another encoding says which', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'probes-config-'));
  const problem = (bytes: Buffer): string => {
    writeFileSync(join(folder, 'agent.yaml'), bytes);
    const result = loadConfig(join(folder, 'agent.yaml'));
    return result.ok ? 'good' : result.problems[0]!.message;
  };
  try {
    t.regex(problem(Buffer.from(`\ufeff${GOOD}`, 'utf16le')), /expected UTF-8, found UTF-16; save the file as UTF-8/);
    t.regex(problem(Buffer.from(GOOD, 'utf16le').swap16()), /found UTF-16/);
    t.regex(problem(Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0])), /found UTF-32/);
    t.regex(problem(Buffer.from('log: \xe9', 'latin1')), /found something else/);
    t.is(problem(Buffer.from(`\ufeff${GOOD}`)), 'good');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a secret that stands where the name of its file should is not shown', (t) => {
  const at = (line: number, column: number, path: string): string => `agent.yaml:${line}:${column}: outputs[0].${path}`;
  const found = problemsOf(`outputs:
  - name: a
    type: http
    url: https://ada:hunter2@x.example/
    headers: { Authorization: hunter2, X-Api-Key: hunter2 }
    auth: { user: ada, password_file: hunter2 }
  - { name: b, type: http, url: 'https://x.example/?token=hunter2', auth: { token_file: 43110 } }
  - { name: c, type: http, url: 'https://x.example/', auth: { password: hunter2 }, tls: { key: hunter2, cert: /x } }
`);
  t.deepEqual(found.slice(0, 4), [
    `${at(4, 10, 'url')}: expected an address without user and password; they belong into auth, got "(not shown)"`,
    `${at(5, 31, 'headers.Authorization')}: expected no secret here; use auth, which reads it from a file, got "(not shown)"`,
    `${at(5, 51, 'headers.X-Api-Key')}: expected no secret here; use auth, which reads it from a file, got "(not shown)"`,
    `${at(6, 39, 'auth.password_file')}: expected the file that holds it: an absolute path, or $CREDENTIALS_DIRECTORY/NAME, got "(not shown)"`,
  ]);
  t.true(found.length >= 8);
  t.notRegex(found.join('\n'), /hunter2|43110/u);
});

test("a filter's name is text, as the JSON Schema has it", (t) => {
  for (const [name, found] of [
    ['', 'nothing'],
    ['5', 'the number 5'],
    ['true', 'the boolean true'],
    ['[]', 'a list'],
  ]) {
    const filter = `{ name: ${name}, detection: { a: { Image: x }, condition: a }, action: drop }`;
    t.true(problemsOf(`${GOOD}filters: [${filter}]\n`)[0]?.endsWith(`filters[0].name: expected text, found ${found}`));
  }
});

test('numbers that JSON does not have are shown as YAML writes them', (t) => {
  for (const number of ['.inf', '-.inf', '.nan'])
    t.true(problemsOf(`${GOOD}shutdown_timeout: ${number}\n`)[0]!.endsWith(`such as 5s, got ${number}`));
});

test('of very many problems the first are told in the order of the file, and how many more there are', (t) => {
  const keys = Array.from({ length: 100_000 }, (_, i) => `k${i}: 1`);
  const problems = problemsOf(`${GOOD}${keys.join('\n')}\n`);
  t.is(problems.length, MAX_PROBLEMS + 1);
  t.is(problems[0], 'agent.yaml:2:1: k0: unknown key');
  t.is(problems[MAX_PROBLEMS], 'agent.yaml:102:1: 99900 more problems begin here; mend those before, then check again');
  t.is(problemsOf(`${GOOD}${keys.slice(0, MAX_PROBLEMS).join('\n')}\n`).length, MAX_PROBLEMS);
  t.regex(problemsOf(`${GOOD}${keys.slice(0, MAX_PROBLEMS + 1).join('\n')}\n`).at(-1)!, /: 1 more problem begins here/);
});
