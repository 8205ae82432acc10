import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, unlinkSync } from 'node:fs';
import path from 'node:path';

import { forEachLine, type Told } from '../delivery.ts';
import type { Observer } from './observer.ts';
import { Reader } from './process.ts';
import { findPeer, missingPeer, type Peer } from './program.ts';
import { atEnd } from '../cleanup.ts';

const PEER: Peer = {
  name: 'tetragon',
  variable: 'BENCH_TETRAGON',
  how: 'Take a release, or build the agent from its sources with Go and its BPF objects with clang.',
};
/** Where the BPF objects are, from the folder of the program: as in its tarball, as in its checkout, as in its image. */
const OBJECTS = ['../lib/tetragon/bpf', 'bpf/objs', '/var/lib/tetragon'];
const ALLOW = '{"event_set":["PROCESS_EXEC"]}';

/** Its state: pid file and facts about the running agent. */
const RUN = '/var/run/tetragon';
/** It tells its version only at its start. */
let version = 'of an unknown version';

export const TETRAGON: Observer = {
  id: 'tetragon',
  title: 'Tetragon',
  command: `tetragon --bpf-lib FOLDER --export-filename FILE --export-allowlist '${ALLOW}', no policies, no servers`,
  version: () => `tetragon ${version}, its defaults except what the command says`,
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
    // It mounts control groups in its folder and leaves them there; in a mount namespace of its own they end with it.
    const clean = existsSync(RUN) ? () => {} : atEnd(removeState);
    const reader = new Reader(folder, [
      'unshare',
      '--mount',
      findPeer(PEER) ?? PEER.name,
      ...Object.entries(options).map(([name, value]) => `--${name}=${value}`),
    ]);
    // The report names no folder of this machine.
    const error = (): string =>
      tetragonError(readFileSync(reader.file, 'utf8')).replaceAll(options['bpf-lib'], 'FOLDER');
    return {
      processes: { tetragon: reader.pid },
      size() {
        if (reader.ended) throw new Error(`tetragon ended: ${error()}`);
        return existsSync(log) ? statSync(log).size : 0;
      },
      log: error,
      async stop() {
        await reader.stop('SIGTERM');
        clean();
        version =
          / msg="Starting tetragon" version=(?<version>\S+)/.exec(readFileSync(reader.file, 'utf8'))?.groups?.[
            'version'
          ] ?? version;
      },
      async read(deliveries, storm) {
        await forEachLine([log], (line) => {
          const told = tetragonExec(line);
          if (told?.args === storm.program) deliveries.addBare();
          else if (told !== undefined) deliveries.add(told);
        });
      },
    };
  },
};

/** Not recursive: it must never reach into control groups that another agent has mounted there. */
function removeState(): void {
  for (const entry of readdirSync(RUN, { withFileTypes: true })) {
    const file = path.join(RUN, entry.name);
    if (entry.isDirectory()) rmdirSync(file);
    else unlinkSync(file);
  }
  rmdirSync(RUN);
}

function objects(): string | undefined {
  const program = findPeer(PEER);
  return program === undefined
    ? undefined
    : OBJECTS.map((folder) => path.resolve(path.dirname(program), folder)).find((folder) => existsSync(folder));
}

/** The last error of its log, which is on standard output; empty when there is none. */
export function tetragonError(log: string): string {
  const line = log.split('\n').findLast((each) => /^level=(?:error|fatal) /.test(each)) ?? '';
  return line.replace(/^level=\w+ msg=/, '').replaceAll(String.raw`\"`, '"');
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

/** Stands for arguments that the kernel program could not hand over. */
const NOT_FETCHED = '<enomem>';

/**
 * The exec of a line. It has no argv[0]; the path of the binary stands for it, and for all where the arguments are missing.
 * Undefined for processes that ran already.
 */
export function tetragonExec(line: string): Told | undefined {
  const process = (JSON.parse(line) as TetragonLine).process_exec?.process;
  if (process === undefined || process.flags?.split(' ').includes('procFS') === true) return undefined;
  const { pid = 0, binary = '', arguments: rest } = process;
  return { pid, args: rest === undefined || rest === NOT_FETCHED ? binary : `${binary} ${rest}` };
}
