import type { CommandLine, OptionLine, Program, Value } from './command-lines.ts';
import { quoted } from './quote.ts';

/** Completion for zsh: a function that compinit loads by its name. */
export function zshCompletion({ name, options, commands }: Program): string {
  return `#compdef ${name}
# Completion of ${name} for zsh. Made by npm run package.
local curcontext="$curcontext" state line
typeset -A opt_args
local -a commands=(
${commands.map(({ name: command, text }) => `  ${quoted(`${command}:${escaped(text)}`)}`).join('\n')}
)
_arguments -C \\
${options.map((option) => `  ${optionSpec(option, '(- *)')} \\`).join('\n')}
  '1: :->command' \\
  '*:: :->arguments'
case $state in
  command) _describe -t commands command commands ;;
  arguments)
    case $line[1] in
${commands.map(commandCase).join('\n')}
    esac
    ;;
esac
`;
}

function commandCase({ name, options, argument }: CommandLine): string {
  const specs = options.map((option) => optionSpec(option, option.repeats ? '*' : `(${option.names.join(' ')})`));
  if (argument !== undefined)
    specs.push(quoted(`${argument.repeats ? '*' : '1'}:${argument.name}:${action(argument.value)}`));
  return `      ${name})
        _arguments${specs.map((spec) => ` \\\n          ${spec}`).join('')}
        ;;`;
}

/** One option, in the language of _arguments. */
function optionSpec({ names, text, value }: OptionLine, before: string): string {
  const rest = `[${escaped(text)}]${value === undefined ? '' : `:${labelOf(value)}:${action(value)}`}`;
  const [only] = names;
  // A long option takes its value after a blank or an equals sign.
  const forms = names.map((name) => (value !== undefined && name.startsWith('--') ? `${name}=` : name));
  return names.length === 1 && only !== undefined
    ? quoted(`${before}${forms[0]}${rest}`)
    : `${quoted(before)}{${forms.join(',')}}${quoted(rest)}`;
}

const labelOf = (value: Value): string => (typeof value === 'string' ? (value === 'other' ? 'value' : value) : 'value');

function action(value: Value): string {
  switch (value) {
    case 'files':
      return '_files';
    case 'folders':
      return '_files -/';
    case 'users':
      return '_users';
    case 'groups':
      return '_groups';
    case 'other':
      return ' ';
    default:
      return `(${value.join(' ')})`;
  }
}

const escaped = (text: string): string => text.replaceAll(/[\\[\]:]/gu, String.raw`\$&`);
