import { mkdirSync, writeFileSync } from 'node:fs';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import test from 'ava';
import { EXEC_EXAMPLE } from '../../../shared/events/exec.ts';
import { Workplace } from '../support/agent-process.ts';
import { agent } from '../support/run.ts';

/** The commands that read files of events. */
const READERS: ReadonlyArray<readonly [command: string, ...args: string[]]> = [
  ['match', '--builtin'],
  ['match', '--builtin', '--explain', 'Download Command'],
  ['convert', '--format', 'ecs'],
  ['verify'],
];

for (const [command, ...args] of READERS)
  test(`${[command, ...args].join(' ')}: a file that holds no lines is named, with the next step, status 6`, async (t) => {
    using work = new Workplace();
    const [absent, folder, gzip, zstd] = ['absent', 'folder', 'gzip', 'zstd'].map((name) => work.path(name));
    const line = `${JSON.stringify(EXEC_EXAMPLE)}\n`;
    mkdirSync(folder!);
    writeFileSync(gzip!, gzipSync(line));
    writeFileSync(zstd!, zstdCompressSync(line));
    for (const [file, reason] of [
      [absent!, `there is no file ${absent}`],
      [folder!, `${folder} is a folder; name the files in it`],
      [gzip!, `${gzip}: it is compressed; pipe it in: gzip -dc FILE | probes-agent COMMAND … -`],
      [zstd!, `${zstd}: it is compressed; pipe it in: zstd -dc FILE | probes-agent COMMAND … -`],
    ] as const)
      t.deepEqual(await agent(command, ...args, file), {
        code: 6,
        stdout: '',
        stderr: `probes-agent ${command}: ${reason}\n`,
      });
  });
