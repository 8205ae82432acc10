import { existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CACHE } from '../../../installers/tools/cache.ts';
import { progress } from '../../../installers/tools/progress.ts';
import { run } from '../../../installers/tools/run.ts';
import { aptOf } from '../../kernels/debian-suite.ts';

const SUITE = 'sid';

/** The newest kustomize of Debian, which no stable suite has: a static program, from the cache or fetched. */
export function kustomize(): string {
  const folder = path.join(CACHE, 'kustomize');
  const program = path.join(folder, 'usr/bin/kustomize');
  if (existsSync(program)) return program;
  progress(`Downloading ${SUITE}'s kustomize to ${folder}`);
  const work = mkdtempSync(path.join(tmpdir(), 'probes-kustomize-'));
  try {
    const { packages, download } = aptOf(SUITE, work);
    const problem = download('kustomize');
    const [file] = globSync(`${packages}/*.deb`);
    if (file === undefined) throw new Error(`cannot download kustomize: ${problem ?? 'apt-get left no package'}`);
    mkdirSync(CACHE, { recursive: true });
    const fresh = mkdtempSync(`${folder}.new-`);
    run('dpkg-deb', ['-x', file, fresh]);
    if (existsSync(folder)) rmSync(folder, { recursive: true });
    renameSync(fresh, folder);
    return program;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
