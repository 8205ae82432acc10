import { existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CACHE } from '../../../installers/tools/cache.ts';
import { progress } from '../../../installers/tools/progress.ts';
import { run } from '../../../installers/tools/run.ts';
import { aptOf } from '../../kernels/debian-suite.ts';

const SUITE = 'sid';

/** The servers that are tried: Debian 12's, and the newest that can be had. Both are static programs. */
export function natsServers(): ReadonlyArray<{ readonly program: string; readonly version: string }> {
  return ['nats-server', newest()].map((program) => ({
    program,
    version: /v(\d\S*)/u.exec(run(program, ['--version']))?.[1] ?? 'unknown',
  }));
}

/** Debian's newest, from the cache; fetched when it is not there. */
function newest(): string {
  const folder = path.join(CACHE, 'nats-server');
  const find = (): string | undefined => globSync(`${folder}/usr/{bin,sbin}/nats-server`)[0];
  if (find() === undefined) {
    progress(`Downloading ${SUITE}'s nats-server to ${folder}`);
    const work = mkdtempSync(path.join(tmpdir(), 'probes-nats-server-'));
    try {
      const { packages, download } = aptOf(SUITE, work);
      const problem = download('nats-server');
      const [file] = globSync(`${packages}/*.deb`);
      if (file === undefined) throw new Error(`cannot download nats-server: ${problem ?? 'apt-get left no package'}`);
      mkdirSync(CACHE, { recursive: true });
      const fresh = mkdtempSync(`${folder}.new-`);
      run('dpkg-deb', ['-x', file, fresh]);
      if (existsSync(folder)) rmSync(folder, { recursive: true });
      renameSync(fresh, folder);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  const found = find();
  if (found === undefined) throw new Error(`${folder} has no nats-server; remove it to have it downloaded again`);
  return found;
}
