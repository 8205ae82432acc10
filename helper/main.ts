import { VERSION } from '../shared/version.ts';
import { helpText, parseAudit, parseRun } from './command-line.ts';
import { HelperError } from './errors.ts';
import { linux } from './linux/platform.ts';
import { macos } from './macos/platform.ts';
import type { Platform } from './platform.ts';
import { say } from './say.ts';

/** The build replaces `process.platform` by its target's name, so that each system's helper holds its own code alone. */
const platform: Platform | undefined = process.platform === 'linux' ? linux : process.platform === 'darwin' ? macos : undefined;

function fail(error: unknown): never {
  say(error instanceof Error ? error.message : String(error));
  process.exit(error instanceof HelperError ? error.exitCode : 1);
}

function main([command, ...rest]: string[]): void {
  if (command === '--version') return void process.stdout.write(`probes-helper ${VERSION}\n`);
  const wantsHelp = command === '--help' || command === 'help' || ((command === 'run' || command === 'audit') && rest.includes('--help'));
  if (wantsHelp) return void process.stdout.write(helpText());
  if (platform === undefined) throw new HelperError('HELPER_UNSUPPORTED', `there is no helper for ${process.platform} yet`);
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
  throw new HelperError('HELPER_USAGE', `${command === undefined ? 'no command' : `unknown command "${command}"`}. See probes-helper --help.`);
}

process.on('uncaughtException', fail);
main(process.argv.slice(2));
