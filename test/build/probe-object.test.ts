import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';

import { compileProbe } from '../../installers/programs/probe-object.ts';
import { ROOT } from '../support/repository.ts';

const canCompile =
  spawnSync('clang-14', ['--version']).status === 0 && spawnSync('llvm-strip-14', ['--version']).status === 0;
const compiles = canCompile ? test : test.skip;

compiles(
  `the committed probe object is what its source compiles to, wherever it lies${canCompile ? '' : ' [skipped: needs clang-14 and llvm-14]'}`,
  (t) => {
    const scratch = mkdtempSync(path.join(tmpdir(), 'platform-probes-probe-'));
    t.teardown(() => rmSync(scratch, { recursive: true, force: true }));
    const committed = readFileSync(path.join(ROOT, 'bpf/exec.bpf.o'));
    for (const folder of [path.join(scratch, 'one'), path.join(scratch, 'another place', 'deeper')]) {
      mkdirSync(path.dirname(folder), { recursive: true });
      cpSync(path.join(ROOT, 'bpf'), folder, { recursive: true });
      const output = path.join(scratch, 'made.o');
      compileProbe(folder, 'exec.bpf.c', output);
      t.true(
        committed.equals(readFileSync(output)),
        `the object made in ${folder} differs; npm run build:bpf makes the committed one anew`,
      );
    }
  },
);
