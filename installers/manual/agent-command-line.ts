import type { Command, Option } from 'commander';
import { describeProgram } from '../../agent/program.ts';

const nothing = (): void => {};
const later = async (): Promise<void> => {};

/** The agent's commands, and its options without a command, as `--help` lists them. */
export function agentCommandLine(): { readonly commands: readonly Command[]; readonly options: readonly Option[] } {
  const program = describeProgram({
    run: later,
    check: later,
    spool: later,
    match: later,
    convert: later,
    verify: later,
    schema: nothing,
  });
  return { commands: program.commands, options: program.createHelp().visibleOptions(program) };
}
