import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import { agentProgram, helperProgram, type OptionLine } from '../../installers/completions/command-lines.ts';
import { testWith } from '../support/requirements.ts';
import { bash, fish, install, zsh, type Complete } from './shells.ts';

const ROOT = mkdtempSync(path.join(tmpdir(), 'probes-completions-'));
const WORK = path.join(ROOT, 'work');
test.before(() => {
  install(ROOT);
  mkdirSync(path.join(WORK, 'folder'), { recursive: true });
  writeFileSync(path.join(WORK, 'fine.yaml'), '');
});
test.after.always(() => rmSync(ROOT, { recursive: true, force: true }));

/** Folders end with a slash in some shells. */
const named = (list: readonly string[]): string[] => list.map((each) => each.replace(/\/$/u, ''));

const SHELLS: readonly (readonly [name: string, complete: Complete])[] = [
  ['bash', bash(ROOT, WORK)],
  ['zsh', zsh(ROOT, WORK)],
  ['fish', fish(ROOT, WORK)],
];

const CASES: readonly (readonly [title: string, wanted: Readonly<Record<string, readonly string[]>>])[] = [
  [
    'what has begun, and nothing else',
    {
      'probes-agent ch': ['check'],
      'probes-agent nothing': [],
      'probes-agent spool v': ['verify'],
      'probes-helper au': ['audit'],
    },
  ],
  [
    'values that are few, after a blank or an equals sign',
    {
      'probes-agent convert --format ': ['ecs', 'ocsf'],
      'probes-agent convert --format=o': ['ocsf'],
      'probes-agent match --platform ': ['linux', 'macos', 'windows'],
      'probes-helper run --source ': ['ebpf'],
    },
  ],
  [
    'files, folders, users and groups where they go',
    {
      'probes-agent check --config f': ['fine.yaml', 'folder'],
      'probes-agent run -c fi': ['fine.yaml'],
      'probes-agent match --rules f': ['folder'],
      'probes-agent verify --json fi': ['fine.yaml'],
      'probes-helper audit --manifest fi': ['fine.yaml'],
      'probes-helper run --user daem': ['daemon'],
      'probes-helper run --group daem': ['daemon'],
    },
  ],
];

for (const [shell, complete] of SHELLS) {
  const shellTest = testWith(shell);

  for (const program of [agentProgram(), helperProgram()]) {
    shellTest(`${shell} completes the commands of ${program.name}, and every option of each`, (t) => {
      const lines = ['', '--', ...program.commands.map(({ name }) => `${name} --`)];
      const [first = [], flags = [], ...found] = complete(...lines.map((line) => `${program.name} ${line}`));
      const long = (options: readonly OptionLine[]): string[] =>
        options.flatMap(({ names }) => names.filter((each) => each.startsWith('--'))).toSorted();
      for (const { name } of program.commands) t.true(first.includes(name), name);
      t.deepEqual(flags, long(program.options));
      t.deepEqual(
        found.map((list) => list.map((each) => each.replace(/=$/u, ''))),
        program.commands.map(({ options }) => long(options)),
      );
    });
  }

  for (const [title, wanted] of CASES) {
    shellTest(`${shell} completes ${title}`, (t) => {
      const lines = Object.keys(wanted);
      const found = complete(...lines);
      t.deepEqual(Object.fromEntries(lines.map((line, index) => [line, named(found[index] ?? [])])), wanted);
    });
  }
}
