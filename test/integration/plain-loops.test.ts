import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import koffi from 'koffi';
import type { Koffi } from '../../helper/koffi.ts';
import { loadForTags } from '../../helper/linux/audit/tags.ts';
import { isFurther, programNames, SNAPSHOT_PROGRAM } from '../../helper/linux/root/programs.ts';
import { compileProbe } from '../../installers/programs/probe-object.ts';
import { ROOT } from '../support/repository.ts';
import { compiledProbeTest } from '../support/requirements.ts';

compiledProbeTest('where there are no iterators, the verifier can follow every loop of every program', (t) => {
  // Programs are loaded from a place that others cannot write to.
  const folder = mkdtempSync('/var/lib/probes-plain-loops-');
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(path.join(ROOT, 'bpf'), folder, { recursive: true });
  // Functions that no kernel has stand for those that kernels before 6.4 lack.
  const paths = path.join(folder, 'paths.h');
  const source = readFileSync(paths, 'utf8');
  writeFileSync(paths, source.replaceAll('bpf_iter_num_', 'bpf_iter_none_'));
  t.true(source.includes('bpf_iter_num_'));
  const object = path.join(folder, 'plain.bpf.o');
  compileProbe(folder, 'exec.bpf.c', object);
  const names = [...programNames({ exits: true, failures: true }), SNAPSHOT_PROGRAM].filter((name) => !isFurther(name));
  t.is(loadForTags(koffi as unknown as Koffi, object, names).size, names.length);
});
