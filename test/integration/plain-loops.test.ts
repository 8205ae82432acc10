import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { compileProbe } from '../../installers/programs/probe-object.ts';
import { CLIENT_GID, HELPER_UID, helperFolder } from '../support/helper-process.ts';
import { PATIENCE } from '../support/pace.ts';
import { ROOT } from '../support/repository.ts';
import { compiledProbeTest } from '../support/requirements.ts';

const FILES = ['probes-helper', 'koffi.node'];

compiledProbeTest(
  'where there are no iterators, the verifier can follow every loop of every program: the helper starts',
  async (t) => {
    const folder = mkdtempSync('/var/lib/platform-probes/plain-loops-');
    const socket = `/run/${path.basename(folder)}/events.sock`;
    t.teardown(() => {
      rmSync(folder, { recursive: true, force: true });
      rmSync(path.dirname(socket), { recursive: true, force: true });
    });
    const sources = path.join(folder, 'bpf');
    mkdirSync(sources);
    cpSync(path.join(ROOT, 'bpf'), sources, { recursive: true });
    // Functions that no kernel has stand for those that kernels before 6.4 lack.
    const paths = path.join(sources, 'paths.h');
    const source = readFileSync(paths, 'utf8');
    writeFileSync(paths, source.replaceAll('bpf_iter_num_', 'bpf_iter_none_'));
    t.true(source.includes('bpf_iter_num_'));
    compileProbe(sources, 'exec.bpf.c', path.join(folder, 'exec.bpf.o'));
    for (const file of FILES) cpSync(path.join(helperFolder(), file), path.join(folder, file));

    const accounts = ['--user', String(HELPER_UID), '--group', String(CLIENT_GID)];
    const args = ['run', '--socket', socket, ...accounts, '--exits', '--failures'];
    const child = spawn(path.join(folder, 'probes-helper'), args, {
      env: {},
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 60_000 * PATIENCE,
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      if (stderr.includes('forwarding')) child.kill('SIGTERM');
    });
    await once(child, 'close');
    t.true(stderr.includes('forwarding'), stderr);
  },
);
