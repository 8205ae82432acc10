// The part of `npm start` that runs as root: puts the programs where only root can
// write, runs the helper from there until standard input closes, and cleans up.
//
// The starter cannot send a signal across sudo. Its end of this pipe closes however it dies, so that is the sign to stop.
//
//   node privileged.ts --starter PID --agent-folder FOLDER [--page ADDRESS] --file FILE... -- HELPER_ARGUMENT...
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { complain, messageOf } from '../../installers/tools/progress.ts';
import { removeStage, setUpStage, stageOf } from './staging.ts';

const { values, positionals: helperArguments } = parseArgs({
  options: {
    'starter': { type: 'string', default: '' },
    'agent-folder': { type: 'string', default: '' },
    'page': { type: 'string' },
    'file': { type: 'string', multiple: true, default: [] },
  },
  allowPositionals: true,
});
const stage = stageOf(Number(values.starter));

/** Runs the helper; answers the exit code to end with. */
async function runHelper(): Promise<number> {
  // In a session of its own, so that Ctrl-C reaches it through us alone, as the SIGTERM that lets it flush.
  const helper = spawn(
    path.join(stage.folder, 'probes-helper'),
    ['run', '--socket', stage.socket, ...helperArguments],
    {
      cwd: '/',
      detached: true,
      env: {},
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  const end = (): void => {
    helper.kill('SIGTERM');
  };
  process.stdin.on('end', end).on('error', end).resume();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  return await new Promise((resolve, reject) => {
    helper.once('error', reject);
    helper.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}

try {
  setUpStage(stage, values.file, values['agent-folder'], values.page);
  process.exitCode = await runHelper();
} catch (error) {
  complain(messageOf(error));
  process.exitCode = 1;
} finally {
  removeStage(stage);
  process.stdin.destroy();
}
