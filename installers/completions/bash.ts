import type { CommandLine, OptionLine, Program, Value } from './command-lines.ts';
import { quoted } from './quote.ts';

/** Completion for bash 4.4 or newer. It uses nothing of the package bash-completion, which loads it by its name. */
export function bashCompletion({ name, options, commands }: Program): string {
  const self = `_${name.replaceAll('-', '_')}`;
  const names = commands.map((command) => command.name).join('|');
  const values = commands.flatMap((command) =>
    command.options.flatMap(({ names: flags, value }) =>
      value === undefined
        ? []
        : [`    ${flags.map((flag) => `${command.name}:${flag}`).join('|')}) ${reply(value)}; return ;;`],
    ),
  );
  return `# Completion of ${name} for bash. Made by npm run package.
${self}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command= i
  COMPREPLY=()
  # bash makes three words of --flag=value.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = ]]; then
    prev=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in ${names}) command=\${COMP_WORDS[i]}; break ;; esac
  done
  case $command:$prev in
${values.join('\n')}
  esac
  case $command:$cur in
    :-*) ${words(flagsOf(options))} ;;
    :*) ${words([...commands.map((command) => command.name), ...flagsOf(options)])} ;;
${commands.map(argumentLines).join('\n')}
  esac
}
complete -F ${self} ${name}
`;
}

function argumentLines({ name, options, argument }: CommandLine): string {
  const flags = words(flagsOf(options));
  if (argument === undefined) return `    ${name}:*) ${flags} ;;`;
  return `    ${name}:-*) ${flags} ;;
    ${name}:*) ${reply(argument.value)} ;;`;
}

const flagsOf = (options: readonly OptionLine[]): string[] => options.flatMap(({ names }) => names);

const words = (list: readonly string[]): string =>
  `mapfile -t COMPREPLY < <(compgen -W ${quoted(list.join(' '))} -- "$cur")`;

function reply(value: Value): string {
  switch (value) {
    case 'files':
      return 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur")';
    case 'folders':
      return 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur")';
    case 'users':
      return 'mapfile -t COMPREPLY < <(compgen -u -- "$cur")';
    case 'groups':
      return 'mapfile -t COMPREPLY < <(compgen -g -- "$cur")';
    case 'other':
      return ':';
    default:
      return words(value);
  }
}
