import { existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';

import { forEachLine, type Told } from '../delivery.ts';
import type { Observer } from './observer.ts';
import { Reader } from './process.ts';
import { findPeer, missingPeer, versionOfProgram, type Peer } from './program.ts';

const PEER: Peer = {
  name: 'tetragon',
  variable: 'BENCH_TETRAGON',
  how: 'Install the package of a release (a tarball), or build agent and BPF objects from its sources with Go and clang.',
};
/** Where the BPF objects are, from the folder of the program: as in its tarball, as in its checkout, as in its image. */
const OBJECTS = ['../lib/tetragon/bpf', 'bpf/objs', '/var/lib/tetragon'];
const ALLOW = '{"event_set":["PROCESS_EXEC"]}';

export const TETRAGON: Observer = {
  id: 'tetragon',
  title: 'Tetragon',
  command: `tetragon --bpf-lib FOLDER --export-filename FILE --export-allowlist '${ALLOW}', no policies, no servers`,
  version: () => versionOfProgram(findPeer(PEER) ?? PEER.name, '--version') ?? 'tetragon',
  missing() {
    const missing = missingPeer(PEER);
    if (missing !== undefined) return missing;
    return objects() === undefined
      ? `its BPF objects are in none of ${OBJECTS.join(', ')}, seen from its program`
      : undefined;
  },

  async start(folder) {
    const log = path.join(folder, 'export.jsonl');
    const [policies, config] = [path.join(folder, 'policies'), path.join(folder, 'config')];
    mkdirSync(policies);
    mkdirSync(config);
    const options = {
      'bpf-lib': objects() ?? '',
      'bpf-dir': 'probes-bench',
      'config-dir': config,
      'export-allowlist': ALLOW,
      'export-file-max-size-mb': String(2 ** 20),
      'export-filename': log,
      'health-server-address': '',
      'server-address': '',
      'tracing-policy-dir': policies,
    };
    const reader = new Reader(folder, [
      findPeer(PEER) ?? PEER.name,
      ...Object.entries(options).map(([name, value]) => `--${name}=${value}`),
    ]);
    return {
      processes: { tetragon: reader.pid },
      size() {
        if (reader.ended) throw new Error(`tetragon ended: ${reader.log()}`);
        return existsSync(log) ? statSync(log).size : 0;
      },
      log: () => reader.log(),
      stop: () => reader.stop('SIGTERM'),
      async read(deliveries) {
        await forEachLine([log], (line) => {
          const told = tetragonExec(line);
          if (told !== undefined) deliveries.add(told);
        });
      },
    };
  },
};

function objects(): string | undefined {
  const program = findPeer(PEER);
  return program === undefined
    ? undefined
    : OBJECTS.map((folder) => path.resolve(path.dirname(program), folder)).find((folder) => existsSync(folder));
}

interface TetragonLine {
  readonly process_exec?: {
    readonly process?: {
      readonly pid?: number;
      readonly binary?: string;
      readonly arguments?: string;
      readonly flags?: string;
    };
  };
}

/** The exec of a line. It has no argv[0]; the path of the binary stands for it. Undefined for processes that ran already. */
export function tetragonExec(line: string): Told | undefined {
  const process = (JSON.parse(line) as TetragonLine).process_exec?.process;
  if (process === undefined || process.flags?.split(' ').includes('procFS') === true) return undefined;
  return { pid: process.pid ?? 0, args: [process.binary ?? '', process.arguments ?? ''].join(' ').trimEnd() };
}
