import { forEachLine, type Told } from '../delivery.ts';
import type { Observer } from './observer.ts';
import { Reader } from './process.ts';
import { findPeer, missingPeer, versionOfProgram, type Peer } from './program.ts';

const PEER: Peer = {
  name: 'quark-mon',
  variable: 'BENCH_QUARK',
  how: 'Build it from its sources, with clang 17 or newer and bpftool.',
};
/** It sorts and joins events for up to a second, by the manual page quark(7), and drops at its end what it holds. */
const HOLDS_MS = 1500;
/** The backend of eBPF, events in Elastic Common Schema, and none for programs that run already. */
const OPTIONS = ['-b', '-E', '-s'] as const;

export const QUARK: Observer = {
  id: 'quark',
  title: 'quark',
  command: `quark-mon ${OPTIONS.join(' ')} > FILE`,
  version: () => versionOfProgram(findPeer(PEER) ?? PEER.name, '-V') ?? 'quark-mon',
  missing: () => missingPeer(PEER),

  async start(folder) {
    const reader = new Reader(folder, [findPeer(PEER) ?? PEER.name, ...OPTIONS]);
    return {
      processes: { quark: reader.pid },
      holdsMs: HOLDS_MS,
      size() {
        if (reader.ended) throw new Error(`quark-mon ended: ${reader.log()}`);
        return reader.size();
      },
      log: () => reader.log(),
      stop: () => reader.stop(),
      async read(deliveries) {
        deliveries.addReported(quarkLost(reader.log()));
        await forEachLine([reader.file], (line) => {
          const told = quarkExec(line);
          if (told !== undefined) deliveries.add(told);
        });
      },
    };
  },
};

interface QuarkLine {
  readonly event?: { readonly action?: string };
  readonly process?: { readonly pid: number; readonly args?: readonly string[] };
}

/** The exec of a line: one line tells fork, exec and end of a process that was short. Undefined when there was no exec. */
export function quarkExec(line: string): Told | undefined {
  const { event, process } = JSON.parse(line) as QuarkLine;
  if (process === undefined || event?.action?.includes('-executed') !== true) return undefined;
  return { pid: process.pid, args: process.args?.join(' ') ?? '' };
}

/** Lost events, of the table that it prints at its end. Events of any kind: a short process makes three. */
export function quarkLost(log: string): number {
  const lines = log.split('\n');
  const head = lines.findLastIndex((line) => /\blost\b/.test(line));
  const column = (lines[head] ?? '').trim().split(/\s+/).indexOf('lost');
  return Number((lines[head + 1] ?? '').trim().split(/\s+/)[column] ?? 0);
}
