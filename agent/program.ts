import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { VERSION } from '../shared/version.ts';
import type { ConvertOptions } from './commands/convert.ts';
import type { DashboardOptions } from './commands/dashboard.ts';
import { EXPLAINED_EVENTS, MAX_EXPLAINED_EVENTS } from './commands/limits.ts';
import type { DoctorCommandOptions } from './commands/doctor.ts';
import type { MatchOptions } from './commands/match.ts';
import type { QueryOptions } from './commands/query.ts';
import { SQL_COMMAND } from './commands/query/sql.ts';
import type { SpoolCommandOptions } from './commands/spool.ts';
import type { StatusOptions } from './commands/status.ts';
import type { TailOptions } from './commands/tail.ts';
import type { TopOptions } from './commands/top.ts';
import type { VerifyOptions } from './commands/verify.ts';
import { DEFAULT_CONFIG_FILE } from './config/load.ts';
import { HASH_COMMAND } from './enrichment/hashing/protocol.ts';
import { exitMeanings } from './errors.ts';
import { MAPPING_NAMES } from './formats/config.ts';
import { GROUPINGS } from './screens/exec-counter.ts';
import { hostPlatform } from './values/platform.ts';
import { parseDuration } from './values/quantities.ts';

/** The action of each command. */
export interface Actions {
  run: (file: string | undefined, service: boolean) => Promise<void>;
  check: (file: string, json: boolean) => Promise<void>;
  spool: (options: SpoolCommandOptions) => Promise<void>;
  match: (options: MatchOptions) => Promise<void>;
  convert: (options: ConvertOptions) => Promise<void>;
  verify: (options: VerifyOptions) => Promise<void>;
  query: (options: QueryOptions) => Promise<void>;
  querySql: () => Promise<void>;
  hashImages: () => Promise<void>;
  tail: (options: TailOptions) => Promise<void>;
  status: (options: StatusOptions) => Promise<void>;
  top: (options: TopOptions) => Promise<void>;
  doctor: (options: DoctorCommandOptions) => Promise<void>;
  dashboard: (options: DashboardOptions) => Promise<void>;
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
    .option(
      '--first <number>',
      `explain so many events (default: ${EXPLAINED_EVENTS})`,
      wholeNumber(1, MAX_EXPLAINED_EVENTS),
    )
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
  describeQuery(program, actions);
  program.command(HASH_COMMAND, { hidden: true }).action(actions.hashImages);
  placed(program.command('tail'))
    .description('show events as they come, from a running agent: docs/looking.md')
    .argument('[filter]', "a Sigma search, such as 'Image|endswith: /curl'")
    .option('--rule <name>', 'alerts of the rule with this id or title')
    .option('--user <name>', "a user's programs, by name or number")
    .option(
      '--container <id>',
      'in a container: the beginning of its id, name or pod uid, or a runtime, such as podman',
    )
    .option('--alerts', 'alerts and nothing else', false)
    .option('--explain', 'say of each alert which parts of its rules held', false)
    .option('--since <time>', 'also events that the agent still holds and that are not older: 30s, 10m, 2h')
    .option(
      '--rate <n>',
      'at most so many events a second, alerts aside; 0 for all (default: 200 on a terminal, else 0)',
    )
    .option('--tree', 'commands stand under their parents', false)
    .option('--json', 'JSON lines, as in a pipe', false)
    .option('--no-follow', 'end after the events that are held')
    .option('--no-reconnect', 'end when the agent goes away, instead of waiting for it')
    .action((filter: string | undefined, options: TailOptions) =>
      actions.tail({ ...options, ...(filter === undefined ? {} : { filter }) }),
    );
  placed(program.command('top'))
    .description('show which programs, parents, users or commands start most, from a running agent: docs/looking.md')
    .argument('[filter]', "count only what a Sigma search finds, such as 'Image|endswith: /curl'")
    .addOption(new Option('--by <what>', 'what is counted').choices([...GROUPINGS]).default('program'))
    .option('--interval <time>', 'time between two pictures; the window is ten of them', '2s')
    .option('--once', 'end after one interval', false)
    .option('--json', 'a line of JSON an interval, as in a pipe', false)
    .action((filter: string | undefined, options: TopOptions) =>
      actions.top({ ...options, ...(filter === undefined ? {} : { filter }) }),
    );
  placed(program.command('status'))
    .description('show whether a running agent is healthy, on one screen; the exit status says so too: docs/looking.md')
    .option('--json', "the agent's own answer, /v1/status of docs/api.md", false)
    .option('--watch', 'draw it again every two seconds; q ends', false)
    .action((options: StatusOptions) => actions.status(options));
  placed(program.command('doctor'))
    .description(
      'walk the way of an event, from the kernel to the receivers, and say what to do where it breaks; changes nothing: docs/looking.md',
    )
    .option('--json', 'report as JSON on standard output', false)
    .action((options: DoctorCommandOptions) => actions.doctor(options));
  placed(program.command('dashboard'))
    .description(
      'print the address of the page of a running agent, with its token: whoever has it sees every event; docs/dashboard.md',
    )
    .action((options: DashboardOptions) => actions.dashboard(options));
  program
    .command('schema')
    .description('print the JSON Schema of the configuration, for editors')
    .action(() => actions.schema());
  program.hook('preAction', (_, command) => refuseEmpty(command));
  for (const command of program.commands)
    command.showHelpAfterError(
      `usage: probes-agent ${command.name()} ${command.usage()}\nIts options: probes-agent ${command.name()} --help`,
    );
  return program.showHelpAfterError('Its commands: probes-agent --help');
}

/** Nobody means an empty text: a variable of a shell was not set. */
function refuseEmpty(command: Command): void {
  const isEmpty = (value: unknown): boolean => value === '' || (Array.isArray(value) && value.includes(''));
  for (const option of command.options)
    if (isEmpty(command.getOptionValue(option.attributeName())))
      command.error(`error: option '${option.flags}' has an empty value`);
  for (const [i, argument] of command.registeredArguments.entries())
    if (isEmpty(command.processedArgs[i])) command.error(`error: argument '${argument.name()}' is empty`);
}

function lines(table: readonly (readonly [string, string])[], width: number): string {
  return table.map(([name, meaning]) => `  ${name.padEnd(width)}  ${meaning}`).join('\n');
}

/** A command that looks into a running agent. */
function placed(command: Command): Command {
  return command
    .option(
      '-c, --config <file>',
      `configuration that names the control socket (default: ${DEFAULT_CONFIG_FILE}, where it can be read)`,
    )
    .option('--socket <file>', "the agent's control socket, instead of the configuration's");
}

const MAX_QUERY_LIMIT = 10_000_000;
const MAX_QUERY_MS = 86_400_000;

function describeQuery(program: Command, { query: ask, querySql }: Actions): void {
  program
    .command('query')
    .description('look into the store: docs/query.md. A table in a terminal, JSON lines in a pipe; the newest first')
    .argument('[condition]', `such as "exe like '%curl%' and time > now-1h"; left out: everything`)
    .option('--match <words>', 'only command lines with all of these words')
    .option('--alerts', 'only events that rules matched', false)
    .addOption(new Option('--tree <pid>', 'a process, its ancestors and descendants').argParser(wholeNumber(0)))
    .addOption(
      new Option('--start-time <number>', 'with --tree: which of the processes that had this pid').argParser(
        wholeNumber(0),
      ),
    )
    .option('--sql <statement>', 'a SELECT over the views events, alerts, gaps and seals')
    .addOption(new Option('--limit <n>', 'lines at most').argParser(wholeNumber(1, MAX_QUERY_LIMIT)).default(100))
    .addOption(
      new Option('--timeout <duration>', 'how long it may take')
        .argParser(durationOf)
        .default(parseDuration('30s'), '30s'),
    )
    .option('--store <folder>', 'the folder of the store (default: store.folder of the configuration)')
    .option('-c, --config <file>', 'configuration', DEFAULT_CONFIG_FILE)
    .option('--json', 'JSON lines on a terminal too', false)
    .action((condition: string | undefined, options: Omit<QueryOptions, 'condition'>) =>
      ask({ ...options, condition }),
    );
  program.command(SQL_COMMAND, { hidden: true }).action(querySql);
}

const wholeNumber =
  (least: number, most = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}`);
    return value;
  };

function durationOf(text: string): number {
  const value = parseDuration(text);
  if (value === undefined || value === 0 || value > MAX_QUERY_MS)
    throw new InvalidArgumentError('expected a duration up to 1d with its unit, such as 30s');
  return value;
}
