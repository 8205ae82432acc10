// Podman with a container for real: what its control group says, and what its engine calls it.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { containerFactOf } from '../../agent/enrichment/containers/fact.ts';
import { ContainerNames, type NameResult } from '../../agent/enrichment/containers/names.ts';
import { startHelper } from '../support/helper-process.ts';
import { PATIENCE } from '../support/pace.ts';
import { PipeClient } from '../support/pipe-client.ts';
import { endWithUs } from '../support/reaper.ts';
import { bpfKernel, command, requiring, root } from '../support/requirements.ts';

const folder = mkdtempSync('/var/tmp/container-names-');
const socket = path.join(folder, 'api.sock');
const IMAGE = 'localhost/probes-test:1';
/** A store and a state of its own, and what works also without systemd. */
const PODMAN = [
  `--root=${path.join(folder, 'store')}`,
  `--runroot=${path.join(folder, 'run')}`,
  `--tmpdir=${path.join(folder, 'tmp')}`,
  '--storage-driver=vfs',
  '--cgroup-manager=cgroupfs',
  '--runtime=runc',
  '--events-backend=file',
];

function podman(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('podman', [...PODMAN, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`podman ${args[0]}: ${stderr}`);
  return stdout.trim();
}

/** @returns the container's id */
function run(name: string): string {
  const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'];
  return podman('run', '-d', '--name', name, '--network', 'none', ...limits, IMAGE, '/bin/busybox', 'sleep', '600');
}

async function serve(): Promise<ChildProcess> {
  const service = spawn('podman', [...PODMAN, 'system', 'service', '--time', '0', `unix://${socket}`], {
    stdio: 'ignore',
  });
  endWithUs(service);
  await until(() => existsSync(socket));
  return service;
}

async function until(isSo: () => boolean): Promise<void> {
  for (const end = performance.now() + 30_000 * PATIENCE; !isSo(); await delay(20))
    if (performance.now() > end) throw new Error('waited in vain');
}

test.after.always(() => {
  spawnSync('podman', [...PODMAN, 'rm', '--all', '--force', '--time', '0']);
  // The monitors tidy up at the same time.
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

requiring(
  root,
  bpfKernel,
  command('podman'),
  command('runc'),
  command('busybox', '/bin/busybox'),
)(
  'a container of Podman is known by its control group, its monitor is not in it, and its engine tells its name, also after a restart',
  async (t) => {
    mkdirSync(path.join(folder, 'rootfs/bin'), { recursive: true });
    copyFileSync('/bin/busybox', path.join(folder, 'rootfs/bin/busybox'));
    const archive = path.join(folder, 'rootfs.tar');
    spawnSync('tar', ['-C', path.join(folder, 'rootfs'), '-cf', archive, '.']);
    podman('import', archive, IMAGE);
    const helper = await startHelper();
    t.teardown(() => helper.stop());
    const client = new PipeClient(helper.socket);
    t.teardown(() => client.close());
    const first = run('web');
    const event = await client.exec(({ command: line }) => line === '/bin/busybox sleep 600');
    const container = containerFactOf(event)!;
    t.deepEqual(container, { id: first, runtime: 'podman' });
    t.is(event.container_id, first);
    const monitor = await client.exec(
      ({ exe, argv = [] }) => exe?.endsWith('/conmon') === true && argv.includes(first),
    );
    t.is(containerFactOf(monitor), undefined);

    const counts = new Map<NameResult, number>();
    const names = new ContainerNames({ counts });
    t.teardown(() => names.close());
    names.adopt({ names: [{ runtime: 'podman', socket }] });
    let service = await serve();
    t.is(names.of(container), undefined, 'not known yet');
    await until(() => names.of(container) !== undefined);
    t.deepEqual(names.of(container), { name: 'web', image: IMAGE });
    service.kill();
    await once(service, 'exit');
    rmSync(socket, { force: true });
    t.deepEqual(names.of(container), { name: 'web', image: IMAGE }, 'while the engine is away');
    service = await serve();
    const second = { id: run('db'), runtime: 'podman' } as const;
    await until(() => names.of(second) !== undefined);
    t.is(names.of(second)?.name, 'db');
    t.is(counts.get('found'), 2);
    service.kill();
    await once(service, 'exit');
  },
);
