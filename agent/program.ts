import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { VERSION } from '../shared/version.ts';
import type { ConvertOptions } from './commands/convert.ts';
import { EXPLAINED_EVENTS } from './commands/limits.ts';
import type { MatchOptions } from './commands/match.ts';
import type { SpoolCommandOptions } from './commands/spool.ts';
import type { VerifyOptions } from './commands/verify.ts';
import { DEFAULT_CONFIG_FILE } from './config/load.ts';
import { exitMeanings } from './errors.ts';
import { MAPPING_NAMES } from './formats/config.ts';
import { hostPlatform } from './values/platform.ts';

/** What each command does. */
export interface Actions {
  run: (file: string | undefined, service: boolean) => Promise<void>;
  check: (file: string, json: boolean) => Promise<void>;
  spool: (options: SpoolCommandOptions) => Promise<void>;
  match: (options: MatchOptions) => Promise<void>;
  convert: (options: ConvertOptions) => Promise<void>;
  verify: (options: VerifyOptions) => Promise<void>;
  schema: () => void;
}

/** Every exit status with its meaning. */
export function exitStatuses(): [status: string, meaning: string][] {
  return [
    ...exitMeanings().map(([status, meaning]): [string, string] => [String(status), meaning]),
    ['130 or 143', 'after a second SIGINT or SIGTERM, which does not wait for outputs'],
  ];
}

/** The signals that `run` obeys. */
export const SIGNALS = [
  ['SIGHUP', 'read the configuration again; a wrong one changes nothing'],
  ['SIGTERM, SIGINT', 'write what is queued, then end'],
] as const;

/** The environment variables that the agent reads on Linux. */
export const ENVIRONMENT = [
  ['CREDENTIALS_DIRECTORY', 'folder of secret files that systemd gives the service (LoadCredential=)'],
  ['NOTIFY_SOCKET', 'socket of systemd to which the agent reports start, reload, status and stop (Type=notify)'],
  ['WATCHDOG_USEC', 'how often the agent has to report that it makes progress, in microseconds (WatchdogSec=)'],
  ['WATCHDOG_PID', 'the process that WATCHDOG_USEC is for'],
] as const;

/**
 * The command line: all commands with their options. `--help`, the manual page and the completions are made of it. A
 * value named `file` is a path of a file, one named `folder` of a folder.
 */
export function describeProgram(actions: Actions): Command {
  const program = new Command('probes-agent')
    .description('Receives process events from probes-helper and delivers them. Needs no privileges.')
    .version(VERSION)
    .exitOverride()
    .addHelpText('after', `\nExit status:\n${lines(exitStatuses(), 1)}\n\nSignals:\n${lines(SIGNALS, 16)}`);
  const runCommand = program
    .command('run')
    .description('receive and deliver events until told to stop')
    .option('-c, --config <file>', `configuration (default: ${DEFAULT_CONFIG_FILE})`)
    .action((options: { config?: string; service?: boolean }) => actions.run(options.config, options.service === true));
  if (process.platform === 'win32')
    runCommand.option('--service', 'report start and stop to the service manager, which started this process');
  program
    .command('check')
    .description('report every problem in a configuration and its rules, and run the tests in rules; changes nothing')
    .option('-c, --config <file>', 'configuration', DEFAULT_CONFIG_FILE)
    .option('--json', 'report as JSON on standard output', false)
    .action((options: { config: string; json: boolean }) => actions.check(options.config, options.json));
  program
    .command('match')
    .description(
      'match recorded events against rules: prints one JSON line for each event that matches, or explains a rule',
    )
    .option(
      '-r, --rules <folder>',
      'a folder of Sigma rules; may be given several times',
      (folder: string, before: string[] = []) => [...before, folder],
    )
    .option('--builtin', 'use the starter rules that come with the agent, too')
    .option(
      '--explain <rule>',
      'say of each event which parts of this rule held, and which did not; an id, a title or a file of rules',
    )
    .option('--first <number>', `explain so many events (default: ${EXPLAINED_EVENTS})`, numberFrom(1, 1_000_000))
    .option('--placeholders <file>', 'values of %name% in rules, in the form of rules.placeholders: {name: [value]}')
    .argument('[file]', 'events as JSON lines; - is standard input', '-')
    .addOption(
      new Option('--fields <names>', "naming scheme of the events' fields")
        .choices(['native', 'sigma'])
        .default('native'),
    )
    .addOption(
      new Option('--platform <name>', 'use the rules for this platform')
        .choices(['linux', 'macos', 'windows'])
        .default(hostPlatform()),
    )
    .action((file: string, options: Omit<MatchOptions, 'file'>) => actions.match({ ...options, file }));
  program
    .command('convert')
    .description('print recorded events in another format: docs/formats.md')
    .addOption(new Option('--format <name>', 'the format').choices([...MAPPING_NAMES]).makeOptionMandatory())
    .argument('[file]', 'events as JSON lines; - is standard input', '-')
    .action((file: string, options: Omit<ConvertOptions, 'file'>) => actions.convert({ ...options, file }));
  program
    .command('spool')
    .description("show the spool's contents and each output's position in it, or verify every byte; changes nothing")
    .addArgument(new Argument('[action]', 'what to do').choices(['show', 'verify']).default('show'))
    .option('-c, --config <file>', 'configuration', DEFAULT_CONFIG_FILE)
    .option('--json', 'report as JSON on standard output', false)
    .action((action: SpoolCommandOptions['action'], options: Omit<SpoolCommandOptions, 'action'>) =>
      actions.spool({ ...options, action }),
    );
  program
    .command('verify')
    .description('say to which number events are complete, by their seals, or what is missing')
    .argument('<files...>', 'events as JSON lines, with their seals, in any order; - is standard input')
    .option('--whole', "the files hold each boot's events from the first on: earlier seals that lack are a loss", false)
    .option('--json', 'report as JSON on standard output, as in a pipe', false)
    .action((files: string[], options: Omit<VerifyOptions, 'files'>) => actions.verify({ ...options, files }));
  program
    .command('schema')
    .description('print the JSON Schema of the configuration, for editors')
    .action(() => actions.schema());
  return program;
}

/** Reads a whole number. */
function numberFrom(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,10}$/u.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a number from ${least} to ${most}.`);
  };
}

function lines(table: readonly (readonly [string, string])[], width: number): string {
  return table.map(([name, meaning]) => `  ${name.padEnd(width)}  ${meaning}`).join('\n');
}
