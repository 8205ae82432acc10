import type { Argument, Option } from 'commander';
import { COMMANDS, type Flag } from '../../helper/flags.ts';
import { agentCommandLine } from '../manual/agent-command-line.ts';

/** The text that can stand in a place: one of some words, or something of the system. `other` is what nobody can guess. */
export type Value = readonly string[] | 'files' | 'folders' | 'users' | 'groups' | 'other';

export interface OptionLine {
  /** With their dashes; the last is the long one. */
  readonly names: readonly string[];
  readonly text: string;
  /** Of the option's value. A switch has none. */
  readonly value?: Value;
  readonly repeats: boolean;
}

export interface CommandLine {
  readonly name: string;
  readonly text: string;
  readonly options: readonly OptionLine[];
  /** The text behind the options, if there can be any. */
  readonly argument?: { readonly name: string; readonly value: Value; readonly repeats: boolean };
}

/** The command line of a program, as its own tables have it. */
export interface Program {
  readonly name: string;
  /** Options that stand in place of a command. */
  readonly options: readonly OptionLine[];
  readonly commands: readonly CommandLine[];
}

export function helperProgram(): Program {
  const withFlags = COMMANDS.filter(({ flags }) => flags !== undefined);
  const alone = COMMANDS.filter(({ flags }) => flags === undefined);
  return {
    name: 'probes-helper',
    options: alone.map(({ name, text }) => ({ names: [name], text, repeats: false })),
    commands: withFlags.map(({ name, text, flags }) => ({
      name,
      text,
      options: (flags?.('linux') ?? []).filter(({ available }) => available).map(flagLine),
    })),
  };
}

function flagLine({ name, value, text, choices }: Flag): OptionLine {
  const line = { names: [`--${name}`], text: text.replaceAll('\n', ' '), repeats: false };
  return value === undefined ? line : { ...line, value: choices ?? valueNamed(value) };
}

export function agentProgram(): Program {
  const { commands, options, optionsOf } = agentCommandLine();
  return {
    name: 'probes-agent',
    options: options.map(optionLine),
    commands: commands.map((command): CommandLine => {
      const argument = command.registeredArguments[0];
      const line = {
        name: command.name(),
        text: command.description(),
        options: optionsOf(command).map(optionLine),
      };
      return argument === undefined ? line : { ...line, argument: argumentLine(argument) };
    }),
  };
}

function optionLine({ short, long, flags, description, argChoices, parseArg }: Option): OptionLine {
  const [, value] = /<(.*?)>/u.exec(flags) ?? [];
  const line = {
    names: [short, long].filter((name) => name !== undefined),
    text: description,
    // An option that puts its values together has a function of its own; so have choices.
    repeats: parseArg !== undefined && argChoices === undefined,
  };
  return value === undefined ? line : { ...line, value: argChoices ?? valueNamed(value) };
}

function argumentLine(argument: Argument): NonNullable<CommandLine['argument']> {
  const name = argument.name();
  return { name, value: argument.argChoices ?? valueNamed(name), repeats: argument.variadic };
}

const VALUES: Readonly<Record<string, Value>> = {
  'file': 'files',
  'files': 'files',
  'folder': 'folders',
  'FILE': 'files',
  'PATH': 'files',
  'SOCKET': 'files',
  'NAME|UID': 'users',
  'NAME|GID': 'groups',
};

const valueNamed = (name: string): Value => VALUES[name] ?? 'other';
