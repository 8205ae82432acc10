import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { completions } from '../../installers/completions/completions.ts';

/** The completions that a shell offers for each of some unfinished command lines, sorted. */
export type Complete = (...lines: readonly string[]) => string[][];

/** Puts the completions below a folder, as a package does. */
export function install(folder: string): void {
  for (const { path: name, data } of completions()) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, data!);
  }
}

function run(program: string, args: string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    timeout: 30_000,
    env: { PATH: process.env['PATH'], HOME: cwd, TERM: 'dumb', LC_ALL: 'C.UTF-8' },
  });
  if (status !== 0 || stderr !== '') throw new Error(`${program}: ${error?.message ?? stderr} (${status})`);
  return stdout;
}

const sorted = (list: Iterable<string>): string[] => [...new Set(list)].filter((each) => each !== '').toSorted();

/** bash, with the words as readline would split them. */
export const bash =
  (root: string, cwd: string): Complete =>
  (...lines) =>
    lines.map((line) => {
      const words = line.split(/ +|(=)/u).filter((word) => word !== undefined);
      const [name = ''] = words;
      const script = `set -u
source "$1/usr/share/bash-completion/completions/$2"
# Outside of a completion the real one is an error.
compopt() { [[ "$*" == '-o filenames' ]]; }
function=$(complete -p "$2" | sed -E 's/.*-F ([^ ]+) .*/\\1/')
shift 2
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
"$function"
printf '%s\\n' "\${COMPREPLY[@]}"`;
      return sorted(run('bash', ['--norc', '-c', script, 'bash', root, name, ...words], cwd).split('\n'));
    });

/** fish, asked by itself. */
export const fish =
  (root: string, cwd: string): Complete =>
  (...lines) =>
    lines.map((line) => {
      const [name = ''] = line.split(' ');
      const script = `source $argv[1]/usr/share/fish/vendor_completions.d/$argv[2].fish; complete -C $argv[3]`;
      const offered = run('fish', ['--no-config', '-c', script, root, name, line], cwd).split('\n');
      // The value alone, where fish gives the flag with it.
      return sorted(offered.map((each) => (each.split('\t')[0] ?? '').replace(/^--[\w-]+=/u, '')));
    });

/**
 * An interactive zsh on a terminal, in which each line is typed, Tab pressed, and then a key that says so in a file. What it
 * offers goes to another file. That key is none that means something to a terminal: functions that complete run programs, and
 * the terminal would act on it meanwhile.
 */
export const zsh =
  (root: string, cwd: string): Complete =>
  (...lines) => {
    const offered = path.join(root, 'offered');
    const setup = path.join(root, 'setup.zsh');
    writeFileSync(offered, '');
    writeFileSync(
      setup,
      `fpath=(${root}/usr/share/zsh/vendor-completions $fpath)
autoload -Uz compinit && compinit -u -D
compadd() {
  # Calls that only filter, for their caller.
  if [[ " $* " == *' -'[OAD]' '* ]]; then builtin compadd "$@"; return; fi
  local -a offered
  builtin compadd -O offered "$@"
  print -rl -- $offered >>${offered}
  builtin compadd "$@"
}
integer count
tell() {
  print ${BETWEEN} >>${offered}
  zle kill-whole-line
  : >${offered}.$((++count))
}
zle -N tell
bindkey '^T' tell
LISTMAX=-1
cd ${cwd}
`,
    );
    const script = `zmodload zsh/zpty zsh/zselect
zpty shell zsh -f -i
zpty -w shell "source ${setup}; PS1='READY''> '"
zpty -r shell seen '*READY> *'
for ((i = 1; i <= $#; i++)); do
  zpty -w -n shell $argv[i]$'\\t\\x14'
  until [[ -e ${offered}.$i ]]; do
    # What it prints is taken, so that it can go on.
    zpty -r -t shell seen
    zselect -t 1
  done
  rm ${offered}.$i
done
zpty -d shell`;
    run('zsh', ['-f', '-c', script, 'zsh', ...lines], cwd);
    return readFileSync(offered, 'utf8')
      .split(`${BETWEEN}\n`)
      .slice(0, -1)
      .map((part) => sorted(part.split('\n')));
  };

const BETWEEN = ':between:';
