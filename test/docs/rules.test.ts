import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { choose } from '../../agent/commands/chosen-rules.ts';
import { EXPLAINED_EVENTS } from '../../agent/commands/limits.ts';
import { parseConfig } from '../../agent/config/load.ts';
import { BUILTIN_RULES } from '../../agent/detection/builtin-rules.ts';
import { DetectionCounters } from '../../agent/detection/counters.ts';
import { Judge } from '../../agent/detection/judge.ts';
import * as detection from '../../agent/detection/limits.ts';
import * as enrichment from '../../agent/enrichment/limits.ts';
import { Enrichment } from '../../agent/enrichment/enrichment.ts';
import { itemOf } from '../../agent/events/item.ts';
import { MAX_STEPS } from '../../agent/rules/engine.ts';
import { explain } from '../../agent/rules/explain/explain.ts';
import { MAX_CHARACTERS, MAX_ITEMS } from '../../agent/rules/explain/field-value.ts';
import { loadRules } from '../../agent/rules/load.ts';
import { MAX_CHAIN } from '../../agent/rules/correlate/resolve.ts';
import { MAX_NAME } from '../../agent/rules/parse/condition.ts';
import { MAX_CORRELATED_RULES } from '../../agent/rules/parse/correlation.ts';
import { MAX_RULE_TESTS, MAX_SET_TESTS, sizeOf } from '../../agent/rules/parse/room.ts';
import { MAX_CODE } from '../../agent/rules/regex/program.ts';
import { MAX_PIECE } from '../../agent/rules/value/pieces.ts';
import { paintNothing } from '../../agent/terminal/paint.ts';
import { treeOf } from '../../agent/view/explanation.ts';
import { MAX_DEPTH } from '../../agent/yaml/limits.ts';
import { runRuleTests } from '../../agent/rules/tests.ts';
import { Suppressor } from '../../agent/rules/suppress.ts';
import { EXEC_EXAMPLE } from '../../shared/events/exec.ts';
import { HELLO_EXAMPLE } from '../../shared/events/hello.ts';
import { readRuleFiles, SKIPPED } from '../agent/rules/data.ts';
import { load } from '../agent/rules/support.ts';
import { Workplace } from '../agent/support/agent-process.ts';
import { agent } from '../agent/support/run.ts';
import { execEvent } from '../support/fake-helper.ts';

const PAGE = readFileSync(new URL('../../docs/rules.md', import.meta.url), 'utf8');

/** The text under a heading of the second level. */
const section = (heading: string): string => PAGE.split(`\n## ${heading}\n`)[1]!.split(/^## /mu, 1)[0]!;

/** The code in it, in its order. */
function blocks(heading: string, language: string): string[] {
  return [...section(heading).matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gmsu'))].map(
    (match) => match[1] ?? '',
  );
}

test('the configuration that the page shows is good, and so are its filters', (t) => {
  t.true(parseConfig(blocks('Switch rules on', 'yaml')[0]!, 'docs').ok);
  t.true(parseConfig(`outputs: [{ name: a, type: stdout }]\n${blocks('Filters', 'yaml')[0]!}`, 'docs').ok);
});

/** @param live whether users of this machine may be asked for */
function judge(rules: string | undefined, filters = '', live = false): { judge: Judge; counters: DetectionCounters } {
  const config = parseConfig(`outputs: [{ name: a, type: stdout }]\n${filters}`, 'docs');
  const counters = new DetectionCounters();
  const known = new Enrichment({ live });
  known.begin(HELLO_EXAMPLE.boot_id);
  return {
    counters,
    judge: new Judge({
      filters: config.ok ? config.config.filters : [],
      ...(rules === undefined ? {} : { rules: { set: load(rules), suppressions: new Map() } }),
      platform: 'linux',
      enrichment: known,
      counters,
      suppressor: new Suppressor(),
      onFailure: (error) => {
        throw error;
      },
      onOverBudget: () => {
        throw new Error('over budget');
      },
    }),
  };
}

test("the rule that the page shows turns the protocol's example into the alert that it shows", (t) => {
  const [alert] = judge(blocks('Alerts', 'yaml')[0]!).judge.judge([itemOf(EXEC_EXAMPLE)]);
  t.is(`${alert!.line}\n`, blocks('Alerts', 'json')[0]!);
});

test('the filters that the page shows drop the compiler and keep the rest', (t) => {
  const { judge: filters, counters } = judge(undefined, blocks('Filters', 'yaml')[0]!, true);
  const compiler = { exe: '/usr/libexec/gcc/cc1plus' };
  const parent = { pid: 1, exe: '/usr/sbin/cron' };
  const out = filters.judge(
    [execEvent(1, compiler), execEvent(2, { ...compiler, uid: 0, parent }), execEvent(3)].map(itemOf),
  );
  t.deepEqual(
    out.map(({ first }) => first),
    [2, 3],
  );
  t.deepEqual(
    [...counters.filters],
    [
      ['compiler noise', 1],
      ["what root's cron does", 1],
    ],
  );
});

test('the rule with tests that the page shows passes them', (t) => {
  const results = runRuleTests(load(blocks('Write a rule', 'yaml')[0]!), (event) => event);
  t.deepEqual(
    results.map(({ passed }) => passed),
    [true, true],
  );
});

test('match prints what the page says', async (t) => {
  using work = new Workplace();
  mkdirSync(work.path('rules'));
  writeFileSync(work.path('rules/npm.yml'), blocks('Alerts', 'yaml')[0]!);
  writeFileSync(work.path('events.jsonl'), `${JSON.stringify(EXEC_EXAMPLE)}\n`);
  const { stdout, stderr } = await agent('match', '--rules', work.path('rules'), work.path('events.jsonl'));
  t.is(stdout, blocks('Try rules on recorded events', '')[0]!.split('\n').slice(1).join('\n'));
  for (const key of Object.keys(JSON.parse(stderr) as object)) t.true(PAGE.includes(`\`${key}\``), key);
});

test("the page names the counters, and every number that it states is the code's", (t) => {
  for (const key of Object.keys(new DetectionCounters().summary()))
    t.true(section('Counters').includes(`\`${key}\``), key);
  const number = (value: number): string => value.toLocaleString('en');
  const { MAX_RULE_FOLDERS, MAX_RULE_FILES, MAX_RULE_DEPTH, MAX_WATCHED_FOLDERS, MAX_SUPPRESSED_GROUPS } = detection;
  t.true(
    PAGE.includes(
      `At most ${MAX_RULE_FOLDERS} folders of rules, ${number(MAX_RULE_FILES)} files, 1 MiB a file, 64 MiB together, ${number(detection.MAX_RULE_SUBFOLDERS)} folders, ${MAX_RULE_DEPTH} deep; ${number(MAX_WATCHED_FOLDERS)} folders are watched.`,
    ),
  );
  t.deepEqual(
    [detection.MAX_RULE_FILE_BYTES, detection.MAX_RULE_BYTES, enrichment.MAX_HASHED_BYTES].map(
      (bytes) => bytes / 2 ** 20,
    ),
    [1, 64, 256],
  );
  t.true(PAGE.includes(`as far as ${enrichment.MAX_PROCESS_BYTES / 2 ** 20} MiB reach`));
  t.true(PAGE.includes(`At most ${number(MAX_SUPPRESSED_GROUPS)} groups`));
  t.true(PAGE.includes(`more than ${MAX_STEPS / 1e6} million steps`));
  t.true(PAGE.includes(`more than ${number(MAX_PIECE)} characters between two`));
  t.true(PAGE.includes(`more than ${MAX_DEPTH} levels`));
  t.true(PAGE.includes(`at most ${number(MAX_RULE_TESTS)} tests, all rules together ${number(MAX_SET_TESTS)}:`));
  t.true(
    PAGE.includes(
      `counts as its instructions, ${number(MAX_CODE)} at most. A name in a condition has at most ${MAX_NAME} `,
    ),
  );
  t.true(
    PAGE.includes(
      `over at most ${MAX_CORRELATED_RULES} rules, and a chain of correlations, each over the next, is at most ${MAX_CHAIN} `,
    ),
  );
  t.true(PAGE.includes(`keeps ${number(enrichment.MAX_REMEMBERED_COMMAND)} characters`));
  t.true(PAGE.includes(`${enrichment.PROC_READS_PER_SECOND} times a second`));
  t.true(PAGE.includes(`grandparent and so on, ${enrichment.MAX_ANCESTORS} at most`));
  t.deepEqual(
    [
      Math.floor(enrichment.MAX_PROCESSES / 1000),
      enrichment.USER_NAME_MS / 60_000,
      enrichment.HASH_MS_PER_SECOND / 1000,
    ],
    [16, 10, 0.2],
  );
});

test('the tree that the page shows is what the command prints, and its numbers are the limits', (t) => {
  const heading = 'Why a rule matches, or not';
  const [block] = blocks(heading, '');
  const title = /--explain '(.*?)'/u.exec(block!)![1]!;
  const line = 'sh -c curl -s https://example.net/i.sh | sha256sum';
  const set = loadRules(BUILTIN_RULES, { logsource: { category: 'process_creation', product: 'linux' } });
  const { rules } = choose(title, set);
  const explained = explain(rules[0]!, { Image: '/usr/bin/dash', CommandLine: line });
  const tree = treeOf(explained, { columns: 100, isUtf8: true, paint: paintNothing });
  t.deepEqual(block!.split('\n').slice(3, -3), tree);
  t.true(section(heading).includes(`**The first ${EXPLAINED_EVENTS} events are explained**`));
  t.true(section(heading).includes(`up to ${MAX_CHARACTERS.toLocaleString('en')} characters or ${MAX_ITEMS} items`));
});

(SKIPPED === '' ? test : test.skip)(`${SKIPPED}the page says how many tests SigmaHQ's rules for Windows have`, (t) => {
  const { rules } = loadRules(readRuleFiles('windows'), {
    logsource: { category: 'process_creation', product: 'windows' },
  });
  const sizes = rules.map(({ expression }) => sizeOf(expression));
  const thousands = Math.round(sizes.reduce((sum, size) => sum + size, 0) / 1000);
  t.true(PAGE.includes(`SigmaHQ's ${rules.length.toLocaleString('en')} rules for Windows have ${thousands},000 tests`));
});
