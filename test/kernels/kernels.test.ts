import { readFileSync } from 'node:fs';
import test from 'ava';

import { inCheckout } from '../../installers/tools/root-folder.ts';
import { tableOf } from '../support/markdown.ts';
import { ARCHITECTURES, kernelNamed, KERNELS } from './kernels.ts';

test('the table of kernels on the page is that of the code', (t) => {
  const code = (text: string): string => `\`${text}\``;
  const rows = tableOf(readFileSync(inCheckout('docs/kernels.md'), 'utf8'), 'Running it').map((row) => [
    row['`--arch`'],
    row['`--kernel`'],
    row['Debian suite'],
    row['flavour']?.replace(/:.*/u, ''),
  ]);
  t.deepEqual(
    rows,
    KERNELS.map(({ architecture, name, suite, flavour }) => [code(architecture), code(name), suite, code(flavour)]),
  );
});

test('a name is one kernel of an architecture', (t) => {
  for (const architecture of ARCHITECTURES) {
    const names = KERNELS.filter((kernel) => kernel.architecture === architecture).map(({ name }) => name);
    t.true(names.length > 0);
    t.deepEqual([...new Set(names)], names);
    for (const name of names) t.like(kernelNamed(name, architecture), { name, architecture });
  }
  t.is(kernelNamed('6.12').flavour, 'cloud-amd64');
  t.throws(() => kernelNamed('5.10', 'arm64'), { message: /^no kernel "5\.10" for arm64: expected one of 6\.1, / });
});
