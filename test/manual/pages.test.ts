import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { HASH_COMMAND } from '../../agent/enrichment/hashing/protocol.ts';
import { SQL_COMMAND } from '../../agent/commands/query/sql.ts';
import test, { type ExecutionContext } from 'ava';
import { configJsonSchema } from '../../agent/config/json-schema.ts';
import { ERRORS } from '../../agent/errors.ts';
import { describeProgram } from '../../agent/program.ts';
import { EXIT_CODES } from '../../helper/errors.ts';
import { auditFlags, runFlags } from '../../helper/flags.ts';
import { manualPages } from '../../installers/manual/pages.ts';
import { bold, paragraph, pageText } from '../../installers/manual/roff.ts';
import { testWith } from '../support/requirements.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const DAY = 1_700_000_000;
const PAGES = new Map(
  manualPages(DAY).map((entry) => [path.basename(entry.path, '.gz'), gunzipSync(entry.data!).toString('utf8')]),
);

/** The terms of a page's lists, without their markup, each with its meaning. */
function entriesOf(page: string): [term: string, meaning: string][] {
  const text = PAGES.get(page)!
    .replaceAll(/\\f[BIR]/gu, '')
    .replaceAll(String.raw`\-`, '-');
  return [...text.matchAll(/^\.TP\n(.*)\n([^]*?)(?=^\.[TSP])/gmu)].map((match) => [match[1]!, match[2]!.trim()]);
}

function assertTerm(t: ExecutionContext, page: string, wanted: string): void {
  const found = entriesOf(page).find(([term]) => term.split(/, | /u).includes(wanted) || term === wanted);
  t.regex(found?.[1] ?? '', /\w.*\w/u, `${page} says nothing about ${wanted}`);
}

test('probes-helper(8) explains every flag and every exit status, and no flag of another system', (t) => {
  const flags = [...runFlags('linux'), ...auditFlags('linux')];
  for (const { name, available } of flags)
    if (available) assertTerm(t, 'probes-helper.8', `--${name}`);
    else t.false(PAGES.get('probes-helper.8')!.includes(String.raw`\-\-${name}`), name);
  for (const name of ['run', 'audit', '--version', '--help', '0', '1', ...Object.values(EXIT_CODES).map(String)])
    assertTerm(t, 'probes-helper.8', name);
});

test('probes-agent(8) explains every command, option, argument and exit status', (t) => {
  const never = (): never => t.fail() as never;
  const program = describeProgram({
    run: never,
    check: never,
    spool: never,
    match: never,
    convert: never,
    verify: never,
    query: never,
    querySql: never,
    hashImages: never,
    tail: never,
    status: never,
    top: never,
    doctor: never,
    dashboard: never,
    schema: never,
  });
  for (const command of program.commands) {
    // Hidden: the agent itself starts them.
    if ([SQL_COMMAND, HASH_COMMAND].includes(command.name())) continue;
    t.true(PAGES.get('probes-agent.8')!.includes(`.SS "${command.name()}"\n`), command.name());
    for (const option of command.options) assertTerm(t, 'probes-agent.8', option.long!);
    for (const argument of command.registeredArguments) assertTerm(t, 'probes-agent.8', argument.name());
  }
  for (const name of ['--version', '--help', 'SIGHUP', 'SIGTERM', '0', '130 or 143'])
    assertTerm(t, 'probes-agent.8', name);
  for (const error of Object.values(ERRORS))
    if ('status' in error) assertTerm(t, 'probes-agent.8', String(error.status));
});

test('probes-agent(8) names every environment variable that the agent reads', (t) => {
  const OTHER_SYSTEMS = ['ProgramData', 'SystemRoot'];
  const lines = globSync('agent/**/*.ts', { cwd: ROOT })
    .filter((file) => file !== 'agent/program.ts')
    .flatMap((file) => readFileSync(path.join(ROOT, file), 'utf8').split('\n'));
  const read = lines
    .filter((line) => /process\.env|environment\[|ProcessEnv|'\$[A-Z]/u.test(line))
    .flatMap((line) => line.match(/\b[A-Z]{3,}_[A-Z_]+\b|(?<=process\.env\[')\w+/gu) ?? []);
  for (const name of ['CREDENTIALS_DIRECTORY', 'WATCHDOG_USEC']) t.true(read.includes(name), name);
  for (const name of new Set(read)) if (!OTHER_SYSTEMS.includes(name)) assertTerm(t, 'probes-agent.8', name);
});

test('probes-agent.yaml(5) explains every key, with its default and its values', (t) => {
  interface Node {
    readonly properties?: Record<string, Node>;
    readonly items?: Node;
    readonly oneOf?: Node[];
    readonly const?: unknown;
    readonly default?: unknown;
    readonly enum?: unknown[];
  }
  const entries = entriesOf('probes-agent.yaml.5').map(([term, meaning]): [string, string] => [
    term,
    meaning.replaceAll(/\s+/gu, ' '),
  ]);
  let keys = 0;
  const visit = (node: Node, above: string): void => {
    for (const [name, value] of Object.entries(node.properties ?? {})) {
      if (value.const !== undefined) {
        t.true(entries.some(([term]) => term === `${name}: ${String(value.const)}`));
        continue;
      }
      keys += 1;
      const meanings = entries.filter(([term]) => term === `${above}${name}`).map(([, meaning]) => meaning);
      const wanted = [
        ...(value.enum ?? []).map(String),
        ...(typeof value.default === 'object' || value.default === undefined
          ? []
          : [`Default: ${String(value.default)}.`]),
      ];
      t.true(
        meanings.some((meaning) => wanted.every((text) => meaning.includes(text))),
        `${above}${name}: ${wanted.join(' ')}`,
      );
      visit(value, `${above}${name}.`);
      if (value.items !== undefined) visit(value.items, name === 'outputs' ? '' : `${above}${name}[].`);
    }
    for (const each of node.oneOf ?? []) visit(each, above);
  };
  visit(configJsonSchema(), '');
  t.true(keys > 100);
});

test('the same day gives the same bytes, without a name or a time in them', (t) => {
  const [first, second] = [manualPages(DAY), manualPages(DAY)];
  t.deepEqual(first, second);
  t.deepEqual(
    first.map((entry) => entry.path),
    [
      'usr/share/man/man8/probes-helper.8.gz',
      'usr/share/man/man8/probes-agent.8.gz',
      'usr/share/man/man5/probes-agent.yaml.5.gz',
    ],
  );
  // RFC 1952: flags, then four bytes of time.
  for (const { data } of first) t.deepEqual([...data!.subarray(3, 8)], [0, 0, 0, 0, 0]);
});

/** Without the backspaces by which a terminal of old prints bold and underlined. */
const BACKSPACE = String.fromCodePoint(8);
const plain = (shown: string): string => shown.replaceAll(new RegExp(`.${BACKSPACE}`, 'gu'), '');

const format = (text: string | undefined, width: number): string =>
  plain(spawnSync('mandoc', ['-Tutf8', `-Owidth=${width}`], { input: text, encoding: 'utf8' }).stdout);

const CHECKERS = [
  ['mandoc', ['-Tlint', '-Wall']],
  ['groff', ['-ww', '-man', '-Tutf8', '-z']],
] as const;

for (const [program, args] of CHECKERS) {
  testWith(program)(`${program} has nothing to say against the manual pages`, (t) => {
    for (const [name, text] of PAGES) {
      const { status, stdout, stderr } = spawnSync(program, args, { input: text, encoding: 'utf8' });
      t.deepEqual([status, stdout + stderr], [0, ''], name);
    }
  });
}

testWith('mandoc')('pages fit 80 columns, and what is typed can be copied', (t) => {
  for (const [name, text] of PAGES) {
    const shown = format(text, 78).split('\n');
    t.deepEqual(
      shown.filter((line) => line.length > 80),
      [],
      name,
    );
    // No dash, quote or accent that a shell does not know.
    t.deepEqual(
      shown.filter((line) => /[‐−‘’“”ˆ˜]/u.test(line)),
      [],
      name,
    );
  }
  t.true(format(PAGES.get('probes-helper.8'), 78).includes('--no-pin'));
});

testWith('mandoc')('text that looks like markup stays text', (t) => {
  const odd = String.raw`.TH is no request here. 'quoted' \fBnot bold\fR -- ~/^x "y" \n(.x`;
  const page = pageText({
    name: 'odd',
    section: 8,
    date: DAY,
    source: 'x',
    sections: [
      ['NAME', [paragraph`odd - ${'.start'}`]],
      ['DESCRIPTION', [paragraph`${odd}`, { code: [".'dot", String.raw`\e`] }, paragraph`${bold('.b')}`]],
    ],
  });
  const shown = format(page, 200).replaceAll(/\s+/gu, ' ');
  for (const text of [odd, ".'dot \\e", '.b']) t.true(shown.includes(text), shown);
});
