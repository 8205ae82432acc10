import { VERSION } from '../shared/version.ts';
import { helpText, parseAudit, parseRun } from './command-line.ts';
import { HelperError } from './errors.ts';
import type { Platform } from './platform.ts';
import { say } from './say.ts';

function fail(error: unknown): never {
  say(error instanceof Error ? error.message : String(error));
  process.exit(error instanceof HelperError ? error.exitCode : 1);
}

/**
 * Runs one command line. Every error ends the process with its exit code and one line.
 * @param platform the code of this system; undefined if there is none
 */
export function runCommandLine(args: string[], platform: Platform | undefined): void {
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  const [command, ...rest] = args;
  if (command === '--version') return void process.stdout.write(`probes-helper ${VERSION}\n`);
  const wantsHelp =
    command === '--help' ||
    command === 'help' ||
    ((command === 'run' || command === 'audit') && rest.includes('--help'));
  if (wantsHelp) return void process.stdout.write(helpText());
  if (platform === undefined)
    throw new HelperError('HELPER_UNSUPPORTED', `there is no helper for ${process.platform} yet`);
  switch (command) {
    case 'run':
      return platform.run(parseRun(rest));
    case 'audit': {
      const { text, ok } = platform.audit(parseAudit(rest));
      process.stdout.write(text);
      process.exitCode = ok ? 0 : 1;
      return;
    }
    case 'forward':
      if (platform.forward !== undefined) return platform.forward(rest[0]);
      break;
    default:
  }
  throw new HelperError(
    'HELPER_USAGE',
    `${command === undefined ? 'no command' : `unknown command "${command}"`}. See probes-helper --help.`,
  );
}
