import { readFileSync } from 'node:fs';

import type { Deliveries } from '../delivery.ts';
import { forEachLine } from '../delivery.ts';
import { install, versionOf } from '../install.ts';
import type { Storm } from '../storm.ts';
import type { Observer, Watch } from './observer.ts';
import { Reader } from './process.ts';

/** A tool of Debian that prints a line for each exec. */
interface Tool {
  readonly id: string;
  readonly title: string;
  readonly package: string;
  readonly command: readonly [string, ...string[]];
  /** The command as one types it. */
  readonly shown?: string;
  readonly pid: RegExp;
  /** A line of an exec whose command line is missing. */
  readonly bare?: RegExp;
}

export const BPFTRACE_PROGRAM =
  'tracepoint:syscalls:sys_enter_execve { printf("%d %s ", pid, comm); join(args->argv); }';

const TOOLS: readonly Tool[] = [
  {
    id: 'execsnoop',
    title: 'execsnoop (libbpf-tools)',
    package: 'libbpf-tools',
    command: ['execsnoop', '--max-args', '60'],
    pid: /^.{16} (?<pid>\d+)/,
  },
  {
    id: 'bcc',
    title: 'execsnoop (bcc)',
    package: 'bpfcc-tools',
    command: ['execsnoop-bpfcc', '--max-args', '60'],
    pid: /^.{16} (?<pid>\d+)/,
  },
  {
    id: 'bpftrace',
    title: 'bpftrace one-liner',
    package: 'bpftrace',
    command: ['bpftrace', '-e', BPFTRACE_PROGRAM],
    shown: `bpftrace -e '${BPFTRACE_PROGRAM}'`,
    pid: /^(?<pid>\d+) /,
  },
  {
    id: 'forkstat',
    title: 'forkstat',
    package: 'forkstat',
    command: ['forkstat', '-e', 'exec'],
    pid: /^\S+ exec +(?<pid>\d+) /,
    bare: /^\S+ exec +\d+ +(?:<unknown>|no-op|exec-storm|\[?no-op\]?)\s*$/,
  },
];

export const PRINTING: readonly Observer[] = TOOLS.map((tool) => ({
  id: tool.id,
  title: tool.title,
  command: `${tool.shown ?? tool.command.join(' ')} > FILE`,
  version: () => `Debian package ${tool.package} ${versionOf(tool.package) ?? '?'}`,
  missing: () => install(tool.package),
  start: async (folder) => watch(tool, new Reader(folder, tool.command)),
}));

function watch(tool: Tool, reader: Reader): Watch {
  return {
    processes: { [tool.id]: reader.pid },
    size: () => {
      if (reader.ended)
        throw new Error(`${tool.command[0]} ended: ${reason(`${readFileSync(reader.file, 'utf8')}\n${reader.log()}`)}`);
      return reader.size();
    },
    log: () => reader.log(),
    stop: () => reader.stop(),
    read: (deliveries, storm) => read(tool, reader.file, deliveries, storm),
  };
}

async function read(tool: Tool, file: string, deliveries: Deliveries, { program }: Storm): Promise<void> {
  await forEachLine([file], (line) => {
    const at = line.indexOf(`${program} `);
    if (at >= 0) deliveries.add({ pid: Number(tool.pid.exec(line)?.groups?.['pid']), args: line.slice(at).trimEnd() });
    else if (tool.bare?.test(line) === true) deliveries.addBare();
  });
}

/** The line that says most. */
function reason(log: string): string {
  const lines = log.split('\n');
  return lines.find((line) => /^(?:unable|cannot|error)\b/i.test(line)) ?? lines.at(-1) ?? '';
}
