import type { OptionLine, Program, Value } from './command-lines.ts';

/** Completion for fish. */
export function fishCompletion({ name, options, commands }: Program): string {
  const line = (...parts: readonly string[]): string => `complete -c ${name} ${parts.join(' ')}`;
  const lines = [
    `# Completion of ${name} for fish. Made by npm run package.`,
    line('-f'),
    ...options.map((option) => line('-n', '__fish_use_subcommand', ...optionParts(option))),
    ...commands.map((command) => line('-n', '__fish_use_subcommand', '-a', command.name, '-d', quoted(command.text))),
    ...commands.flatMap(({ name: command, options: flags, argument }) => {
      const when = ['-n', quoted(`__fish_seen_subcommand_from ${command}`)];
      return [
        ...flags.map((option) => line(...when, ...optionParts(option))),
        ...(argument === undefined ? [] : [line(...when, ...valueParts(argument.value))]),
      ];
    }),
  ];
  return `${lines.join('\n')}\n`;
}

function optionParts({ names, text, value }: OptionLine): string[] {
  const forms = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const needs = value === undefined ? [] : [value === 'files' ? '-r' : '-x', ...valueParts(value)];
  return [...forms, ...needs, '-d', quoted(text)];
}

function valueParts(value: Value): string[] {
  switch (value) {
    case 'files':
      return ['-F'];
    case 'folders':
      return ['-a', quoted('(__fish_complete_directories)')];
    case 'users':
      return ['-a', quoted('(__fish_complete_users)')];
    case 'groups':
      return ['-a', quoted('(__fish_complete_groups)')];
    case 'other':
      return [];
    default:
      return ['-a', quoted(value.join(' '))];
  }
}

/** In single quotes, fish gives a meaning to two characters. */
const quoted = (text: string): string => `'${text.replaceAll(/[\\']/gu, String.raw`\$&`)}'`;
