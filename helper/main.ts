import { VERSION } from '../shared/version.ts';
import { audit } from './audit/audit.ts';
import { helpText, parseAudit, parseRun } from './command-line.ts';
import { HelperError } from './errors.ts';
import { forward } from './linux/forward.ts';
import { parseHandoff } from './linux/handoff.ts';
import { run } from './linux/run.ts';
import { say } from './say.ts';

function fail(error: unknown): never {
  say(error instanceof Error ? error.message : String(error));
  process.exit(error instanceof HelperError ? error.exitCode : 1);
}

function main([command, ...rest]: string[]): void {
  switch (command) {
    case 'run':
      if (rest.includes('--help')) process.stdout.write(helpText());
      else run(parseRun(rest));
      return;
    case 'audit': {
      if (rest.includes('--help')) return void process.stdout.write(helpText());
      const { text, ok } = audit(parseAudit(rest));
      process.stdout.write(text);
      process.exitCode = ok ? 0 : 1;
      return;
    }
    case 'forward':
      forward(parseHandoff(rest[0]));
      return;
    case '--version':
      process.stdout.write(`probes-helper ${VERSION}\n`);
      return;
    case '--help':
    case 'help':
      process.stdout.write(helpText());
      return;
    default:
      throw new HelperError('HELPER_USAGE', `${command === undefined ? 'no command' : `unknown command "${command}"`}. See probes-helper --help.`);
  }
}

process.on('uncaughtException', fail);
main(process.argv.slice(2));
