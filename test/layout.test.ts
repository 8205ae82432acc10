import { existsSync, globSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { homedir } from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';

import packageJson from '../package.json' with { type: 'json' };
import packageLock from '../package-lock.json' with { type: 'json' };
import { VERSION } from '../shared/version.ts';
import { type ImportReference, importsOf, importsOfText } from './support/imports.ts';
import { repositoryFiles, ROOT } from './support/repository.ts';

/** The imports that a folder's sources may have. */
interface Rule {
  readonly folders: readonly string[];
  readonly node: boolean;
  /** npm packages whose code may be loaded. */
  readonly packages: readonly string[];
  /** npm packages of which only types may be used. */
  readonly types: readonly string[];
}

const FFI = 'koffi';

/** Node.js, all packages, and the product. */
const MACHINERY = {
  node: true,
  packages: Object.keys({ ...packageJson.dependencies, ...packageJson.devDependencies }),
  types: [],
};
const PRODUCT = ['helper', 'agent', 'shared'];

const RULES: Readonly<Record<string, Rule>> = {
  // The addon is loaded without the package's JavaScript.
  helper: { folders: ['helper', 'shared'], node: true, packages: [], types: [FFI] },
  agent: {
    folders: ['agent', 'shared'],
    node: true,
    packages: Object.keys(packageJson.dependencies).filter((name) => name !== FFI),
    // Likewise without its JavaScript; uPlot is in the page, as a script of its own.
    types: [FFI, 'uplot'],
  },
  shared: { folders: ['shared'], node: false, packages: [], types: [] },
  // Commands and tests share what lies in installers/, and import nothing from each other.
  installers: { folders: ['installers', ...PRODUCT], ...MACHINERY },
  scripts: { folders: ['scripts', 'installers', ...PRODUCT], ...MACHINERY },
  test: { folders: ['test', 'installers', ...PRODUCT, 'package.json', 'package-lock.json'], ...MACHINERY },
};

const FOLDERS = ['helper', 'agent', 'shared', 'bpf', 'dtrace', 'installers', 'test', 'docs', 'scripts', '.ci'];
const DOCUMENTS = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'LICENSE'];
const SETTINGS = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  '.gitignore',
  '.npmrc',
  '.oxlintrc.json',
  '.editorconfig',
  '.prettierrc.json',
  '.prettierignore',
];
const TOP_LEVEL = [...FOLDERS, ...DOCUMENTS, ...SETTINGS];

/** Why an import breaks the rule of its folder, or undefined. */
function violation(rule: Rule, file: string, { specifier, typeOnly }: ImportReference): string | undefined {
  if (specifier === undefined) return 'imports a name that is computed';
  if (specifier.startsWith('.')) {
    const folder = path.join(path.dirname(file), specifier).split(path.sep, 1)[0] ?? '';
    return rule.folders.includes(folder) ? undefined : `imports from ${folder}/`;
  }
  if (specifier.startsWith('node:')) return rule.node ? undefined : `imports ${specifier}`;
  if (builtinModules.includes(specifier)) return `imports ${specifier} without node:`;
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  if (rule.packages.includes(name) || (typeOnly && rule.types.includes(name))) return undefined;
  return `imports ${typeOnly ? 'types of ' : ''}the package ${name}`;
}

function violations(folder: string): string[] {
  const rule = RULES[folder];
  if (rule === undefined) throw new Error(`no rule for ${folder}/`);
  return globSync(`${folder}/**/*`, { cwd: ROOT })
    .filter((file) => /\.[cm]?[jt]sx?$/u.test(file))
    .flatMap((file) =>
      importsOf(path.join(ROOT, file)).flatMap((reference) => {
        const reason = violation(rule, file, reference);
        return reason === undefined ? [] : [`${file}:${reference.line} ${reason}`];
      }),
    );
}

for (const folder of Object.keys(RULES)) {
  test(`${folder}/ imports nothing but what its rule allows`, (t) => {
    t.true(globSync(`${folder}/**/*.ts`, { cwd: ROOT }).length > 0);
    t.deepEqual(violations(folder), []);
  });
}

test('every way to name a module is seen, and only that', (t) => {
  const seen = importsOfText(
    'sample.ts',
    `import a from 'm1';
import type { B } from 'm2';
import { type C, type D } from 'm3';
import { type E, f } from 'm4';
import 'm5';
import {} from 'm6';
export { g } from 'm7';
export type { H } from 'm8';
export * from 'm9';
export const i = await import('m10');
export const j: import('m11').J = await import(\`m12\${a}\`);
import k = require('m13');
require('m14');
process.getBuiltinModule('m15');
// import 'not-me';
export const l = "import 'nor-me'";
`,
  );
  t.deepEqual(
    seen.map(({ specifier, typeOnly }) => [specifier, typeOnly]),
    [
      ['m1', false],
      ['m2', true],
      ['m3', true],
      ['m4', false],
      ['m5', false],
      ['m6', false],
      ['m7', false],
      ['m8', true],
      ['m9', false],
      ['m10', false],
      ['m11', true],
      [undefined, false],
      ['m13', false],
      ['m14', false],
      ['m15', false],
    ],
  );
});

/** Folders inside helper/, and folders of it that they must not import from: what runs as root stays small, each system stays on its own. */
const APART: Readonly<Record<string, readonly string[]>> = {
  'helper/linux/root': [
    'helper/linux/source',
    'helper/linux/forward',
    'helper/linux/audit',
    'helper/stream',
    'helper/audit',
  ],
  'helper/linux/confine': ['helper/linux/root', 'helper/linux/source', 'helper/linux/forward', 'helper/linux/audit'],
  'helper/linux/source': ['helper/linux/forward', 'helper/linux/audit'],
  'helper/linux/forward': ['helper/linux/audit'],
  'helper/linux': ['helper/macos', 'helper/windows'],
  'helper/macos': ['helper/linux', 'helper/windows'],
  'helper/windows': ['helper/linux', 'helper/macos', 'helper/unix'],
  'helper/unix': ['helper/linux', 'helper/macos', 'helper/windows'],
  'helper/stream': ['helper/linux', 'helper/macos', 'helper/windows', 'helper/unix'],
  'helper/pipe': ['helper/linux', 'helper/macos', 'helper/windows', 'helper/unix'],
  'helper/audit': ['helper/linux', 'helper/macos', 'helper/windows', 'helper/unix'],
};

const isIn = (file: string, folder: string): boolean => file.startsWith(`${folder}/`);

/** Imports of a file of helper/, types too, from a folder that it must be apart from. */
function strays(file: string, references: readonly ImportReference[]): string[] {
  const apart = Object.entries(APART).flatMap(([folder, others]) => (isIn(file, folder) ? others : []));
  return references
    .filter(({ specifier }) => specifier?.startsWith('.') === true)
    .map(({ specifier = '', line }) => ({ line, target: path.join(path.dirname(file), specifier) }))
    .filter(({ target }) => apart.some((folder) => isIn(target, folder)))
    .map(({ line, target }) => `${file}:${line} imports ${target}`);
}

test('inside helper/, privileges and systems stay apart', (t) => {
  for (const folder of Object.keys(APART)) t.true(existsSync(path.join(ROOT, folder)), folder);
  const helperFiles = globSync('helper/**/*.ts', { cwd: ROOT });
  t.deepEqual(
    helperFiles.flatMap((file) => strays(file, importsOf(path.join(ROOT, file)))),
    [],
  );
});

for (const [file, text, reason] of [
  ['helper/linux/root/x.ts', "import type { Y } from '../source/y.ts';", 'imports helper/linux/source/y.ts'],
  ['helper/linux/root/x.ts', "import { y } from '../../stream/y.ts';", 'imports helper/stream/y.ts'],
  ['helper/unix/x.ts', "import type { Y } from '../macos/y.ts';", 'imports helper/macos/y.ts'],
  ['helper/windows/x.ts', "export * from '../linux/y.ts';", 'imports helper/linux/y.ts'],
] as const) {
  test(`in ${file}, ${text} is refused`, (t) => {
    t.deepEqual(strays(file, importsOfText(file, text)), [`${file}:1 ${reason}`]);
  });
}

for (const [folder, text, reason] of [
  ['helper', "import { x } from '../agent/main.ts';", 'imports from agent/'],
  ['helper', "import koffi from 'koffi';", 'imports the package koffi'],
  ['helper', "import { parse } from 'yaml';", 'imports the package yaml'],
  ['helper', "import fs from 'fs';", 'imports fs without node:'],
  ['agent', "import { x } from '../helper/main.ts';", 'imports from helper/'],
  ['agent', "import ipc from 'node-ipc';", 'imports the package node-ipc'],
  ['agent', 'import(name);', 'imports a name that is computed'],
  ['installers', "import { x } from '../scripts/lint.ts';", 'imports from scripts/'],
  ['installers', "import { x } from '../test/run/tap.ts';", 'imports from test/'],
  ['scripts', "import { x } from '../test/run/tap.ts';", 'imports from test/'],
  ['test', "import { x } from '../scripts/lint.ts';", 'imports from scripts/'],
  ['shared', "import fs from 'node:fs';", 'imports node:fs'],
  ['shared', "import type { Z } from 'zod';", 'imports types of the package zod'],
] as const) {
  test(`in ${folder}/, ${text} is refused`, (t) => {
    const rule = RULES[folder];
    const [reference] = importsOfText('sample.ts', text);
    if (rule === undefined || reference === undefined) return t.fail();
    t.is(violation(rule, `${folder}/sample.ts`, reference), reason);
  });
}

const files = repositoryFiles();
const inGit = files.length > 0 ? test : test.skip;
const skipped = files.length > 0 ? '' : ' [skipped: needs git and a git checkout]';

inGit(`nothing new lies at the top of the repository${skipped}`, (t) => {
  const topLevel = new Set(files.map((file) => file.split('/', 1)[0] ?? ''));
  t.deepEqual(
    [...topLevel].filter((name) => !TOP_LEVEL.includes(name)),
    [],
  );
});

/** Fails for each line of a text file of the repository that a pattern finds. */
function refuse(t: ExecutionContext, pattern: RegExp): void {
  const found = files
    .filter((file) => existsSync(path.join(ROOT, file)))
    .flatMap((file) => {
      const text = readFileSync(path.join(ROOT, file), 'latin1');
      return text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}`] : []));
    });
  t.deepEqual(found, []);
}

inGit(`no file names a registry's host${skipped}`, (t) => {
  // Written so that it does not find itself.
  refuse(t, /\bregistr[y]\.[\w-]+\.\w|"resolve[d]":/u);
});

inGit(`no file names where this checkout or its owner's home lies${skipped}`, (t) => {
  const places = [ROOT, homedir()]
    .filter((folder) => folder !== '/')
    .map((folder) => folder.replaceAll(/[\\^$.*+?()[\]{}|]/gu, String.raw`\$&`));
  refuse(t, new RegExp(`(?:^|[^\\w.])(?:${places.join('|')})/\\w`, 'u'));
});

test('the version is the same wherever it stands', (t) => {
  t.is(packageJson.version, VERSION);
  t.is(packageLock.version, VERSION);
  t.is(packageLock.packages[''].version, VERSION);
});

test('every dependency has one exact version', (t) => {
  const { dependencies, devDependencies, optionalDependencies, overrides } = packageJson;
  const wanted = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies, ...overrides });
  t.deepEqual(
    wanted.filter(([, version]) => !/^(?:npm:[\w@/-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/u.test(version)),
    [],
  );
});

/** The folders and files of the agent, from the bottom up: each imports from those before it alone. */
const AGENT_LAYERS = [
  ['exit-codes.ts', 'backoff.ts', 'own-program.ts', 'terminal-text.ts'],
  ['errors.ts', 'problem.ts', 'values'],
  ['yaml'],
  ['terminal'],
  ['log.ts', 'files'],
  ['ffi.ts'],
  ['own-memory.ts'],
  ['containers'],
  ['events', 'windows', 'telemetry', 'rules'],
  ['enrichment', 'formats', 'view'],
  ['store'],
  ['completeness', 'outputs'],
  ['delivery', 'detection', 'redaction'],
  ['pipeline.ts', 'source'],
  ['server', 'recent'],
  ['metrics'],
  ['service'],
  ['control', 'dashboard'],
  ['config'],
  ['client'],
  ['screens', 'doctor', 'page'],
  ['local-api.ts'],
  ['agent.ts'],
  ['commands'],
  ['program.ts'],
  ['cli.ts'],
  ['main.ts'],
];

test("the agent's imports run downwards only", (t) => {
  const part = (file: string): string => file.split('/')[1]!;
  const layerOf = (file: string): number => AGENT_LAYERS.findIndex((layer) => layer.includes(part(file)));
  const up = globSync('agent/**/*.ts', { cwd: ROOT }).flatMap((file) => {
    const layer = layerOf(file);
    if (layer === -1) return [`${part(file)} has no layer`];
    return importsOf(path.join(ROOT, file)).flatMap(({ specifier, line }) => {
      if (specifier?.startsWith('.') !== true) return [];
      const target = path.join(path.dirname(file), specifier);
      if (!target.startsWith('agent/') || part(target) === part(file)) return [];
      return layerOf(target) < layer ? [] : [`${file}:${line} imports ${target}`];
    });
  });
  t.deepEqual([...new Set(up)], []);
});

/** The folders that outputs share, from the bottom up. Everything else in agent/outputs/ is one type of output. */
const SHARED_BY_OUTPUTS = ['network', 'web'];

/** Of other types, an output uses this alone: the file of dead letters is one that rotates. */
const ROTATING_FILE = ['agent/outputs/file/place.ts', 'agent/outputs/file/rotating-file.ts'];

/** Why a file in a folder of agent/outputs/ must not import another one, or undefined. */
function strayOfOutput(file: string, target: string): string | undefined {
  const folderOf = (name: string): string | undefined => /^agent\/outputs\/([^/]+)\//u.exec(name)?.[1];
  const from = folderOf(file);
  const to = folderOf(target);
  if (from === undefined || to === undefined || from === to) return undefined;
  const isDown =
    SHARED_BY_OUTPUTS.includes(to) && !SHARED_BY_OUTPUTS.slice(0, SHARED_BY_OUTPUTS.indexOf(to)).includes(from);
  return isDown || (from === 'network' && ROTATING_FILE.includes(target)) ? undefined : `${file} imports ${target}`;
}

test('a type of output imports nothing of another, and what they share nothing of a type', (t) => {
  for (const folder of SHARED_BY_OUTPUTS) t.true(existsSync(path.join(ROOT, 'agent/outputs', folder)), folder);
  const found = globSync('agent/outputs/*/**/*.ts', { cwd: ROOT }).flatMap((file) =>
    importsOf(path.join(ROOT, file))
      .filter(({ specifier }) => specifier?.startsWith('.') === true)
      .map(({ specifier = '' }) => strayOfOutput(file, path.join(path.dirname(file), specifier)))
      .filter((reason) => reason !== undefined),
  );
  t.deepEqual(found, []);
});

for (const [file, target, isStray] of [
  ['agent/outputs/kafka/x.ts', 'agent/outputs/nats/x.ts', true],
  ['agent/outputs/web/x.ts', 'agent/outputs/http/x.ts', true],
  ['agent/outputs/network/x.ts', 'agent/outputs/web/x.ts', true],
  ['agent/outputs/network/x.ts', 'agent/outputs/file/tail.ts', true],
  ['agent/outputs/web/x.ts', 'agent/outputs/network/x.ts', false],
  ['agent/outputs/http/x.ts', 'agent/outputs/web/x.ts', false],
  ['agent/outputs/http/x.ts', 'agent/outputs/output.ts', false],
] as const)
  test(`${file} may ${isStray ? 'not ' : ''}import ${target}`, (t) => {
    t.is(strayOfOutput(file, target) !== undefined, isStray);
  });
