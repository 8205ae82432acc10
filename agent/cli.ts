import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { VERSION } from '../shared/version.ts';
import { check } from './commands/check.ts';
import { convert, type ConvertOptions } from './commands/convert.ts';
import { match, type MatchOptions } from './commands/match.ts';
import { query, type QueryOptions } from './commands/query.ts';
import { SQL_COMMAND } from './commands/query/sql.ts';
import { endNow, run } from './commands/run.ts';
import { spool, type SpoolCommandOptions } from './commands/spool.ts';
import { verify, type VerifyOptions } from './commands/verify.ts';
import { configJsonSchemaText } from './config/json-schema.ts';
import { MAPPING_NAMES } from './formats/config.ts';
import { DEFAULT_CONFIG_FILE } from './config/load.ts';
import { hostPlatform } from './values/platform.ts';
import { parseDuration } from './values/quantities.ts';
import { PRODUCT_TRUST, type Trust } from './source/connect.ts';
import { exitMeanings } from './errors.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

/**
 * Runs one command line and ends the process with its status.
 * @param trust for tests; no option and no file sets it
 */
export async function main(argv: readonly string[], trust: Partial<Trust> = {}): Promise<void> {
  let code: ExitCode = EXIT.OK;
  const program = describeProgram({
    run: async (file, service) => {
      code = await run({ file, service, trust: { ...PRODUCT_TRUST, ...trust } });
    },
    check: async (file, json) => {
      code = await check(file, json, { ...PRODUCT_TRUST, ...trust });
    },
    spool: async (options) => {
      code = await spool(options);
    },
    match: async (options) => {
      code = await match(options);
    },
    convert: async (options) => {
      code = await convert(options);
    },
    verify: async (options) => {
      code = await verify(options);
    },
    query: async (options) => {
      code = await query(options);
    },
    querySql: async () => (await import('./commands/query/sql-process.ts')).runSqlProcess(),
    schema: () => {
      process.stdout.write(configJsonSchemaText());
    },
  });
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      code = error.exitCode === 0 ? EXIT.OK : EXIT.USAGE;
    } else {
      process.stderr.write(`probes-agent: ${error instanceof Error ? error.stack : String(error)}\n`);
      code = EXIT.INTERNAL;
    }
  }
  // One turn later: until then, the write that has just ended still counts as pending.
  setImmediate(() => endNow(code));
}

interface Actions {
  run: (file: string | undefined, service: boolean) => Promise<void>;
  check: (file: string, json: boolean) => Promise<void>;
  spool: (options: SpoolCommandOptions) => Promise<void>;
  match: (options: MatchOptions) => Promise<void>;
  convert: (options: ConvertOptions) => Promise<void>;
  verify: (options: VerifyOptions) => Promise<void>;
  query: (options: QueryOptions) => Promise<void>;
  querySql: () => Promise<void>;
  schema: () => void;
}

function describeProgram(actions: Actions): Command {
  const program = new Command('probes-agent')
    .description('Receives process events from probes-helper and delivers them. Needs no privileges.')
    .version(VERSION)
    .exitOverride()
    .addHelpText(
      'after',
      `\nExit status:\n${exitMeanings()
        .map(([status, meaning]) => `  ${status}  ${meaning}`)
        .join('\n')}
  130 or 143 after a second SIGINT or SIGTERM, which does not wait for outputs

Signals:
  SIGHUP            read the configuration again; a wrong one changes nothing
  SIGTERM, SIGINT   write what is queued, then end`,
    );
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
    .description('match recorded events against rules: prints one JSON line for each event that matches')
    .requiredOption(
      '-r, --rules <folder>',
      'a folder of Sigma rules; may be given several times',
      (folder: string, before: string[] = []) => [...before, folder],
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
  program
    .command('schema')
    .description('print the JSON Schema of the configuration, for editors')
    .action(() => actions.schema());
  return program;
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
