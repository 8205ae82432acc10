import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import test from 'ava';
import { Workplace } from '../agent/support/agent-process.ts';
import { agent } from '../agent/support/run.ts';
import { recipes } from '../support/recipes.ts';
import { ROOT } from '../support/repository.ts';
import { keyOf, sealedStreams } from '../support/sealed-streams.ts';

const FOLDER = 'docs/recipes';
const NOT_RUN = 'Not run here';

const textOf = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

const PAGES = globSync('*.md', { cwd: path.join(ROOT, FOLDER) })
  .filter((page) => page !== 'README.md')
  .toSorted();

/** The rows of the list of pages: what is said of each page's tests. */
const ROWS = new Map(
  [...textOf(`${FOLDER}/README.md`).matchAll(/^\| \[(.*?\.md)\]\(\1\) \| .* \| (.*) \|$/gmu)].map(
    ([, page, by]) => [page!, by!] as const,
  ),
);

/** Whether a text is a configuration of the agent. */
const isForAgent = (text: string): boolean => /^outputs:$/mu.test(text);

const testsOf = (page: string): string[] => [...ROWS.get(page)!.matchAll(/`(.*?)`/gu)].map(([, file]) => file!);

test('the list of recipes has each page, and says which tests run it', (t) => {
  t.deepEqual([...ROWS.keys()].toSorted(), PAGES);
  for (const [page, by] of ROWS) {
    const text = textOf(`${FOLDER}/${page}`);
    t.regex(text, /^## Limits first$/mu, page);
    if (by === 'not run here') t.regex(text, /## Limits first\n\n- \*\*Not run here\*\*/u, page);
    else {
      t.true(testsOf(page).length > 0, page);
      for (const file of testsOf(page)) t.true(textOf(file).includes(`'${FOLDER}/${page}'`), `${file} takes ${page}`);
    }
  }
});

test('each text to type is taken by a test of its page, or its section says that it was not run', (t) => {
  let [run, notRun] = [0, 0];
  for (const page of PAGES) {
    const tests = testsOf(page).map(textOf).join('\n');
    for (const section of textOf(`${FOLDER}/${page}`).split(/^#+ /mu)) {
      const title = section.split('\n', 1)[0]!;
      for (const [, text] of section.matchAll(/^```\w+\n(.*?)^```$/gmsu)) {
        // Those are loaded below, whatever else runs them.
        if (isForAgent(text!)) continue;
        const isRun = tests.includes(`'${title}'`);
        t.not(isRun, section.includes(`**${NOT_RUN}`), `${page}, "${title}"`);
        if (isRun) run++;
        else notRun++;
      }
    }
  }
  t.true(run > 10 && notRun > 3, `${run} and ${notRun}`);
});

for (const page of PAGES)
  for (const { title, text } of recipes('yaml', `${FOLDER}/${page}`).filter((each) => isForAgent(each.text)))
    test.serial(`${page}: the configuration under "${title}" is good, as probes-agent check says`, async (t) => {
      using work = new Workplace();
      work.configure(text);
      const { code, stderr } = await agent('check', '--config', work.configFile);
      t.is(code, 0, stderr);
    });

const FILES = 'docs/recipes/files.md';

test.serial('DuckDB: files become Parquet with each event once', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'probes-duckdb-'));
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    const rows = sealedStreams({ seed: 4, hosts: 2 });
    for (const name of ['events.jsonl.1', 'events.jsonl'])
      writeFileSync(path.join(folder, name), rows.map(({ text }) => `${text}\n`).join(''));
    const blocks = recipes('sql', FILES).filter(({ title }) => title === 'DuckDB');
    t.is(blocks.length, 2);
    const placed = (sql: string): string => sql.replaceAll(/'((?:events|execs)\.[a-z*]+)'/gu, `'${folder}/$1'`);
    for (const statement of blocks[0]!.text.split(';\n')) await connection.run(placed(statement));
    const found = (await connection.runAndReadAll(placed(blocks[1]!.text))).getRowObjectsJson();
    const distinct = new Set(
      rows.flatMap(({ what, origin }) => (what.is === 'event' ? [`${keyOf(origin)} ${what.seq}`] : [])),
    );
    t.deepEqual(found, [{ exe: null, started: String(distinct.size), hosts: '2' }]);
  } finally {
    connection.closeSync();
    instance.closeSync();
    rmSync(folder, { recursive: true });
  }
});
