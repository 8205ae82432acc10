import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { GOOD, problemsOf } from './support.ts';

test('two outputs to one file are refused', (t) => {
  t.deepEqual(problemsOf('outputs:\n  - { name: a, type: file, path: /x }\n  - { name: b, type: file, path: /x }\n'), [
    'agent.yaml:3:34: outputs[1].path: outputs[0] already writes there; each place can have one output',
  ]);
});

test('one file cannot have two outputs, however its path is spelled', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'probes-config-'));
  try {
    mkdirSync(join(folder, 'logs'));
    symlinkSync('logs', join(folder, 'link'));
    const first = join(folder, 'logs', 'a.jsonl');
    const both = (second: string, type = 'file'): string[] => {
      const place = type === 'file' ? `path: ${second}` : `url: "https://x/", dead_letter: { path: ${second} }`;
      return problemsOf(
        `outputs:\n  - { name: b, type: ${type}, ${place} }\n  - { name: a, type: file, path: ${first} }\n`,
      );
    };
    for (const second of [
      first,
      `${folder}/logs/../logs/a.jsonl`,
      `${folder}//logs/./a.jsonl`,
      `${folder}/link/a.jsonl`,
    ])
      for (const type of ['file', 'http']) {
        const [problem, ...more] = both(second, type);
        t.regex(problem ?? '', /3:\d+: outputs\[1\]\.path: outputs\[0\] already writes there/, `${type} ${second}`);
        t.deepEqual(more, []);
      }
    // A folder that is made later.
    t.deepEqual(
      problemsOf(
        'outputs:\n  - { name: a, type: file, path: /no/such/a }\n  - { name: b, type: file, path: /no/x/../such/a }\n',
      ),
      ['agent.yaml:3:34: outputs[1].path: outputs[0] already writes there; each place can have one output'],
    );
    for (const second of [`${first}.1`, `${folder}/link/a.jsonl.999`])
      for (const [type, key] of [
        ['file', 'path'],
        ['http', 'dead_letter'],
      ] as const) {
        const [problem, ...more] = both(second, type);
        t.true(problem?.includes(`outputs[0].${key}: outputs[1] gives its older files such names`), problem);
        t.deepEqual(more, []);
      }
    for (const second of [`${first}.01`, `${first}.old`, `${first}1`, join(folder, 'a.jsonl')])
      t.deepEqual(both(second), []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a dead_letter file that another output writes to is refused', (t) => {
  const http = (name: string, path: string): string =>
    `  - { name: ${name}, type: http, url: 'https://x.example/', dead_letter: { path: ${path} } }\n`;
  const file = '  - { name: a, type: file, path: /x }\n';
  t.deepEqual(problemsOf(`outputs:\n${file}${http('b', '/x')}${http('c', '/y')}${http('d', '/y')}${http('e', '/z')}`), [
    'agent.yaml:3:68: outputs[1].dead_letter: outputs[0] already writes there; each place can have one output',
    'agent.yaml:5:68: outputs[3].dead_letter: outputs[2] already writes there; each place can have one output',
  ]);
  t.is(problemsOf("outputs:\n  - { name: a, type: http, url: 'https://x.example/', dead_letter: }\n").length, 1);
});

/** The keys that name an address, each with the address in its own spelling. */
const SERVED: ReadonlyArray<readonly [key: string, unix: string | undefined, tcp: string | undefined]> = [
  ['source.socket', '/run/./x.sock', undefined],
  ['control.socket', '/run/x.sock', undefined],
  ['metrics.listen', 'unix:/run//x.sock', '127.0.0.1:9464'],
  ['dashboard.listen', undefined, '127.0.0.1:09464'],
];

test('two keys cannot name one address', (t) => {
  for (const kind of [1, 2] as const)
    for (const [i, first] of SERVED.entries())
      for (const second of SERVED.slice(i + 1)) {
        if (first[kind] === undefined || second[kind] === undefined) continue;
        const sections = new Map([['control', '{}']]);
        for (const served of [first, second]) {
          const [section, key] = served[0].split('.');
          sections.set(section!, `{ ${key}: "${served[kind]}" }`);
        }
        const problems = problemsOf(`${GOOD}${[...sections].map(([name, map]) => `${name}: ${map}\n`).join('')}`);
        t.is(problems.length, 1, `${first[0]} ${second[0]}`);
        t.true(problems[0]!.endsWith(`: ${second[0]}: it is the address of ${first[0]}; choose another`), problems[0]);
      }
  const [problem] = problemsOf(`${GOOD}control: { socket: /run/platform-probes/events.sock }\n`);
  t.regex(problem ?? '', /control\.socket: it is the address of source\.socket/);
  for (const wrong of ['[]', 'x', '{ socket: 1 }', '{ socket: "" }', '{ listen: [] }'])
    t.notThrows(() =>
      problemsOf(`${GOOD}source: ${wrong}\ncontrol: ${wrong}\nmetrics: ${wrong}\ndashboard: ${wrong}\n`),
    );
});
