// The image, unpacked and run for real: helper and agent as two containers that share a folder and the machine's processes.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { zstdDecompressSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { IDS } from '../../installers/image/base.ts';
import { productImage } from '../../installers/image/image.ts';
import { fixture } from '../support/fixtures.ts';
import { PATIENCE } from '../support/pace.ts';
import { endWithUs } from '../support/reaper.ts';
import { kernelTest } from '../support/requirements.ts';

const folder = `/var/lib/platform-probes/test-container-${process.pid}`;
const root = path.join(folder, 'root');
/** The folder that both containers have as /run. */
const shared = path.join(folder, 'run');
const MANIFEST = '/usr/libexec/platform-probes/manifest.json';
const noOp = fixture('no-op');

test.after.always(() => rmSync(folder, { recursive: true, force: true }));

/** Unpacks the layers of this machine's image, as an engine does. */
async function unpack(): Promise<void> {
  const { blobs, descriptor } = await productImage(process.arch as 'x64' | 'arm64', 0);
  const { layers } = JSON.parse(blobs.get(descriptor.digest)!.toString()) as { layers: { digest: string }[] };
  for (const each of [root, shared]) mkdirSync(each, { recursive: true, mode: 0o755 });
  for (const { digest } of layers) {
    const input = zstdDecompressSync(blobs.get(digest)!);
    const run = spawnSync('tar', ['-xpf', '-', '-C', root, '--same-owner'], { input, encoding: 'utf8' });
    if (run.status !== 0) throw new Error(run.stderr);
  }
}

/**
 * Makes of a folder what an engine makes of an image: namespaces of its own (but not of processes), the image as a
 * read-only root, the kernel's file systems, and the shared folder. Then becomes the user and starts the command.
 */
const CONTAINER = `
root=$1 shared=$2 user=$3 group=$4
shift 4
mount --bind "$root" "$root"
mount --rbind /proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount --bind "$shared" "$root/run"
mount -o remount,bind,ro "$root"
exec unshare --root="$root" --wd=/ --setgid="$group" --setuid="$user" "$@"
`;

function container(user: number, ...command: string[]): ChildProcess {
  const child = spawn(
    'unshare',
    [
      '--mount',
      '--uts',
      '--ipc',
      '--propagation=private',
      'sh',
      '-ec',
      CONTAINER,
      'sh',
      root,
      shared,
      String(user),
      String(IDS.probes),
      ...command,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } },
  );
  endWithUs(child);
  return child;
}

/** Collects the lines of a stream. */
function linesOf(stream: NodeJS.ReadableStream | null): string[] {
  const lines: string[] = [];
  createInterface({ input: stream! }).on('line', (line) => lines.push(line));
  return lines;
}

async function until(t: ExecutionContext, what: string, found: () => boolean): Promise<void> {
  for (let waited = 0; !found(); waited += 20) {
    if (waited > 20_000 * PATIENCE) return t.fail(`not seen: ${what}`);
    await delay(20);
  }
}

kernelTest('helper and agent of the image run side by side, and the audit finds nothing', async (t) => {
  await unpack();
  const helper = container(0, '/usr/sbin/probes-helper', 'run');
  t.teardown(() => helper.kill('SIGKILL'));
  const said = linesOf(helper.stderr);
  await until(t, 'the helper forwards', () => {
    if (helper.exitCode !== null) t.fail(said.join('\n'));
    return said.some((line) => line.includes(`forwarding; uid ${IDS.helper}`)) || helper.exitCode !== null;
  });

  // The image's own configuration: events on standard output.
  const agent = container(IDS.agent, '/usr/bin/probes-agent', 'run');
  t.teardown(() => agent.kill('SIGKILL'));
  const [events, log] = [linesOf(agent.stdout), linesOf(agent.stderr)];
  await until(t, 'the agent is connected', () => log.some((line) => line.includes('"HelperConnected"')));
  spawnSync(noOp, ['in the container']);
  await until(t, 'an event of a program outside', () =>
    events.some((line) => line.includes(`"${noOp} in the container"`)),
  );
  const event = JSON.parse(events.find((line) => line.includes('in the container"'))!) as { exe: string; pid: number };
  t.is(event.exe, noOp);

  // As docs/containers.md says: from the node, with the helper's own root.
  const audit = spawnSync(
    'nsenter',
    [
      `--target=${helper.pid}`,
      '--mount',
      '--root',
      '--wd=/',
      '/usr/sbin/probes-helper',
      'audit',
      '--manifest',
      MANIFEST,
    ],
    { encoding: 'utf8' },
  );
  t.is(audit.status, 0, audit.stdout + audit.stderr);
  t.regex(audit.stdout, /^No findings\.$/mu);

  for (const each of [agent, helper]) {
    each.kill('SIGTERM');
    await until(t, 'its end', () => each.exitCode !== null);
    t.is(each.exitCode, 0);
  }
});
