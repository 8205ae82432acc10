import type { Command, Option } from 'commander';
import { describeProgram } from '../../agent/program.ts';

const nothing = (): void => {};
const later = async (): Promise<void> => {};

/** The agent's commands, its options without a command, and those of one command with `--help`, as `--help` lists them. */
export function agentCommandLine(): {
  readonly commands: readonly Command[];
  readonly options: readonly Option[];
  readonly optionsOf: (command: Command) => readonly Option[];
} {
  const program = describeProgram({
    run: later,
    check: later,
    spool: later,
    match: later,
    convert: later,
    verify: later,
    query: later,
    querySql: later,
    hashImages: later,
    tail: later,
    status: later,
    top: later,
    doctor: later,
    dashboard: later,
    schema: nothing,
  });
  const optionsOf = (command: Command): Option[] => command.createHelp().visibleOptions(command);
  const visible = program.createHelp().visibleCommands(program);
  const commands = program.commands.filter((command) => visible.includes(command));
  return { commands, options: optionsOf(program), optionsOf };
}
