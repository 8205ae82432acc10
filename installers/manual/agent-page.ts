import type { Command, Option } from 'commander';
import { DEFAULT_CONFIG_FILE } from '../../agent/config/load.ts';
import { ENVIRONMENT, exitStatuses, SIGNALS } from '../../agent/program.ts';
import { agentCommandLine } from './agent-command-line.ts';
import { entry, files, nameSection, pageOf, seeAlso, sentence } from './common.ts';
import { bold, italic, paragraph, prose, type Block, type Page, type Roff } from './roff.ts';

const NAME = 'probes-agent';

/** probes-agent(8), for Linux. */
export function agentPage(epoch: number): Page {
  const { commands, options } = agentCommandLine();
  return pageOf(NAME, 8, epoch, [
    nameSection(NAME, 'filter process events, apply rules, deliver them'),
    [
      'SYNOPSIS',
      [
        ...commands.map(synopsis),
        { paragraph: prose`${bold(`${NAME} --version`)}` },
        { paragraph: prose`${bold(`${NAME} --help`)}` },
      ],
    ],
    [
      'DESCRIPTION',
      [
        paragraph`${bold(NAME)} reads the events of ${bold('probes-helper')}(8), which say which programs were started on this machine. It drops what filters name, marks what Sigma rules match, redacts secrets, and delivers the rest to files, to standard output and over the network.`,
        paragraph`It needs no privilege: its user has to be in the group of the helper's socket. One file, ${bold('probes-agent.yaml')}(5), configures it.`,
        paragraph`What an output cannot take waits in memory or in the spool. What had to be given up is named by an event of type ${bold('gap')}. An output that is slow or dead holds up no other.`,
      ],
    ],
    ['COMMANDS', commands.flatMap(commandBlocks)],
    ['OPTIONS', options.map(optionEntry)],
    [
      'FILES',
      files({
        [DEFAULT_CONFIG_FILE]: 'The configuration.',
        '/etc/platform-probes/rules/': 'A folder for Sigma rules, for rules.folders.',
        '/usr/lib/systemd/system/probes-agent.service': 'The service.',
        '/run/platform-probes/events.sock': 'The socket of the helper.',
        '/var/lib/platform-probes/': 'A place for the spool, which holds undelivered events.',
        '/var/log/platform-probes/': 'A place for file outputs.',
      }),
    ],
    ['SIGNALS', SIGNALS.map(([name, meaning]) => entry(bold(name), prose`${sentence(meaning)}`))],
    ['EXIT STATUS', exitStatuses().map(([status, meaning]) => entry(bold(status), prose`${meaning}`))],
    ['ENVIRONMENT', ENVIRONMENT.map(([name, meaning]) => entry(bold(name), prose`${sentence(meaning)}`))],
    [
      'EXAMPLES',
      [
        paragraph`Check a configuration before it is used, and use it:`,
        { code: [`${NAME} check --config new.yaml`, `${NAME} run --config new.yaml`] },
        paragraph`Try rules on recorded events:`,
        { code: [`${NAME} match --rules /etc/platform-probes/rules events.jsonl`] },
        paragraph`Prove that no event is missing from files that were kept:`,
        { code: [`${NAME} verify /var/log/platform-probes/events.jsonl*`] },
        paragraph`Look into the spool while the agent runs:`,
        { code: [`${NAME} spool show`] },
      ],
    ],
    [
      'SECURITY',
      [
        paragraph`The agent connects only to a socket that root made, in a folder that only root can write to, and reads only when root serves it. It refuses files for its outputs that are links or belong to others.`,
        paragraph`Events hold command lines, and these can hold secrets. Redaction finds many of them, not all. Files of outputs have mode 0600.`,
        paragraph`Secrets for outputs stand in files of their own, or come from systemd as credentials; the configuration only names them.`,
      ],
    ],
    ['SEE ALSO', seeAlso(['probes-agent.yaml', 5], ['probes-helper', 8], ['systemd.exec', 5])],
  ]);
}

/** The arguments of a command as a reader types them: `[file]`, `files...`. */
function argumentsOf(command: Command): Roff[] {
  return command.registeredArguments.map((argument) => {
    const name = italic(`${argument.name()}${argument.variadic ? '...' : ''}`);
    return argument.required ? name : prose`[${name}]`;
  });
}

function synopsis(command: Command): Block {
  const needed = command.options
    .filter(({ mandatory }) => mandatory)
    .map(({ long, flags }) => prose`${bold(long ?? '')} ${italic(valueOf(flags))}`);
  const optional = command.options.some(({ mandatory }) => !mandatory) ? [prose`[${italic('options')}]`] : [];
  const parts = [bold(`${NAME} ${command.name()}`), ...needed, ...optional, ...argumentsOf(command)];
  return { paragraph: { source: parts.map(({ source }) => source).join(' ') } };
}

function commandBlocks(command: Command): Block[] {
  const withText = command.registeredArguments.filter(({ description }) => description !== '');
  return [
    { subheading: command.name() },
    { paragraph: prose`${sentence(command.description())}` },
    ...command.options.map(optionEntry),
    ...withText.map((argument) =>
      entry(
        italic(argument.name()),
        prose`${sentence(argument.description)}${choicesOf(argument.argChoices)}${defaultOf(argument.defaultValue)}`,
      ),
    ),
  ];
}

function optionEntry({ flags, long, short, description, mandatory, argChoices, defaultValue }: Option): Block {
  const names = [short, long].filter((name) => name !== undefined).map((name) => bold(name).source);
  const value = valueOf(flags);
  const term = `${names.join(', ')}${value === '' ? '' : ` ${italic(value).source}`}`;
  const required = mandatory ? ' Required.' : '';
  return entry(
    { source: term },
    prose`${sentence(description)}${choicesOf(argChoices)}${required}${defaultOf(defaultValue)}`,
  );
}

/** The name of an option's value in its declaration: `file` of `--config <file>`. */
const valueOf = (flags: string): string => /<(.*?)>/u.exec(flags)?.[1] ?? '';

const choicesOf = (choices: readonly string[] | undefined): string =>
  choices === undefined ? '' : ` One of ${choices.join(', ')}.`;

/** A switch is off unless given; that need not be said. */
const defaultOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? ` Default: ${value}.` : '';
