import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, unlinkSync } from 'node:fs';
import path from 'node:path';

import { pinFolder } from '../../../helper/linux/root/pins.ts';
import type { ProbeEvent } from '../../../shared/events/parse.ts';
import { inCheckout } from '../../../installers/tools/root-folder.ts';
import { AgentRun } from '../../support/agent-process.ts';
import { startHelper } from '../../support/helper-process.ts';
import { atEnd } from '../cleanup.ts';
import { forEachLine } from '../delivery.ts';
import type { Observer, Watch } from './observer.ts';

/** Five seconds after their start, both programs give back what only the start needed, and the agent collects its garbage. */
const START_MS = 7000;

let agentRun: AgentRun | undefined;
let count = 0;

/** One copy of the agent's program for all runs: it is large, and copying it is not what is measured. */
function agent(): AgentRun {
  if (agentRun === undefined) {
    const made = (agentRun = new AgentRun());
    atEnd(() => {
      made.process?.kill('SIGKILL');
      rmSync(made.folder, { recursive: true, force: true });
    });
  }
  return agentRun;
}

export interface OwnWatch extends Watch {
  /** The file that the agent writes. */
  readonly file: string;
}

function ours(
  id: string,
  title: string,
  flags: readonly string[],
  shapes?: readonly string[],
): Observer & { start(folder: string): Promise<OwnWatch> } {
  return {
    id,
    title,
    ...(shapes === undefined ? {} : { shapes }),
    command: `probes-helper ${['run', ...flags].join(' ')}; probes-agent run, with one output: a file`,
    version: () =>
      `this checkout, version ${(JSON.parse(readFileSync(inCheckout('package.json'), 'utf8')) as { version: string }).version}`,
    missing: () =>
      ['probes-helper', 'probes-agent']
        .map((name) => `dist/${name}`)
        .filter((file) => !existsSync(inCheckout(file)))
        .map((file) => `${file} is missing: run npm run build`)[0],

    async start() {
      const run = agent();
      const helper = await startHelper(flags);
      const unpin = atEnd(() => {
        rmSync(path.dirname(helper.socket), { recursive: true, force: true });
        removePins(pinFolder(helper.socket));
      });
      const folder = path.dirname(run.events);
      const name = `events-${count++}.jsonl`;
      const file = path.join(folder, name);
      // The default, except that nothing is removed before it was compared.
      const process = run.start(helper.socket, `  - { name: local, type: file, path: ${file}, max_files: 1000 }\n`);
      const files = (): string[] =>
        readdirSync(folder)
          .filter((entry) => entry === name || (entry.startsWith(`${name}.`) && /\.\d+$/.test(entry)))
          .map((entry) => path.join(folder, entry));
      return {
        file,
        processes: { helper: helper.pid, agent: process.pid ?? 0 },
        startMs: START_MS,
        size() {
          for (const [what, child, log] of [
            ['helper', helper.process, helper.stderr()],
            ['agent', process, run.log],
          ] as const) {
            if (child.exitCode !== null || child.signalCode !== null)
              throw new Error(`the ${what} ended: ${log.slice(-2000)}`);
          }
          return files().reduce((total, entry) => total + statSync(entry).size, 0);
        },
        log: () => `${helper.stderr()}${run.log}`,
        async stop() {
          await helper.stop();
          await run.stop();
          unpin();
        },
        async read(deliveries) {
          const all = files();
          await forEachLine(all, (line) => {
            const event = JSON.parse(line) as ProbeEvent;
            if (
              event.type === 'exec' &&
              event.source !== 'snapshot' &&
              event.argv !== undefined &&
              event.argv_truncated === undefined
            )
              deliveries.add({ pid: event.pid, args: event.argv.join(' ') });
            else if (event.type === 'exec' && event.source !== 'snapshot')
              deliveries.add({ pid: 0, args: event.argv?.join(' ') ?? '' });
            else if (event.type === 'gap') deliveries.addReported(event.count);
          });
          for (const entry of readdirSync(folder)) if (entry.startsWith(name)) rmSync(path.join(folder, entry));
        },
      };
    },
  };
}

function removePins(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder)) unlinkSync(path.join(folder, entry));
  rmdirSync(folder);
}

export const OWN = ours('ours', 'Platform Probes, helper and agent', []);
export const OWN_VARIANTS: readonly Observer[] = [
  ours('ours-pin', 'the same with --pin', ['--pin'], ['plain', 'two']),
  ours('ours-exits', 'the same with --exits', ['--exits'], ['plain', 'two']),
];
