// The Ansible role: checked by ansible-lint. `npm run test:ansible` runs it.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import { parse } from 'yaml';
import { hasCommand } from '../../installers/tools/system-packages.ts';
import { inCheckout } from '../../installers/tools/root-folder.ts';

const FOLDER = inCheckout('installers/ansible');

const scratch = mkdtempSync(path.join(tmpdir(), 'probes-ansible-'));
test.after.always(() => rmSync(scratch, { recursive: true, force: true }));

const lint = hasCommand('ansible-lint');
(lint ? test : test.skip)(
  `${lint ? '' : '[skipped: needs ansible-lint] '}ansible-lint finds nothing, by its strictest profile`,
  (t) => {
    // It writes a folder for its cache beside what it checks.
    const copy = path.join(scratch, 'lint');
    cpSync(FOLDER, copy, { recursive: true });
    const args = ['--offline', '--strict', '--profile', 'production', '--nocolor', 'playbook.example.yml', 'roles'];
    const found = spawnSync('ansible-lint', args, {
      cwd: copy,
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });
    t.is(found.status, 0, found.stdout + found.stderr);
  },
);

test('the variables of the example and of the defaults are those that the role declares', (t) => {
  const read = (name: string): unknown => parse(readFileSync(path.join(FOLDER, name), 'utf8'));
  const { argument_specs: specs } = read('roles/platform_probes/meta/argument_specs.yml') as {
    argument_specs: { main: { options: Record<string, { default?: unknown }> } };
  };
  const [play] = read('playbook.example.yml') as { roles: { vars: Record<string, unknown> }[] }[];
  const { options } = specs.main;
  for (const name of Object.keys(play?.roles[0]?.vars ?? {})) t.true(name in options, name);
  t.deepEqual(
    read('roles/platform_probes/defaults/main.yml'),
    Object.fromEntries(
      Object.entries(options).flatMap(([name, { default: value }]) => (value === undefined ? [] : [[name, value]])),
    ),
  );
  const page = readFileSync(inCheckout('docs/ansible.md'), 'utf8');
  for (const name of Object.keys(options)) t.true(page.includes(`\`${name}\``), `docs/ansible.md lacks ${name}`);
});
