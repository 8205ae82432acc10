import { unwritable } from './print.ts';
import { AgentError, systemCode } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

/**
 * Runs a command, and finds the status that the process ends with: its own, unless standard output did not take what it
 * printed. A reader that has gone, as in `| head`, has seen enough and changes no status. Standard error changes none
 * either: nothing is left that could be told about it.
 *
 * A command that waits for something that never comes ends with INTERNAL: Node ends a process that has nothing to do, and
 * calls that a success.
 * @param work returns the status of the command
 * @param explain finds the status of an error that `work` threw, and says what it was
 */
export async function endingOf(
  work: () => Promise<ExitCode>,
  explain: (error: unknown) => ExitCode,
): Promise<() => ExitCode> {
  let unwritten: unknown;
  process.stdout.on('error', (error) => {
    if (systemCode(error) !== 'EPIPE') unwritten ??= error;
  });
  process.stderr.on('error', () => undefined);
  const forgotten = (): void => {
    complain('it ended before it was done: a defect');
    process.exitCode = EXIT.INTERNAL;
  };
  process.once('beforeExit', forgotten);
  let code: ExitCode;
  try {
    code = await work();
  } catch (error) {
    code = error instanceof AgentError ? failed(error) : explain(error);
  }
  process.off('beforeExit', forgotten);
  return () => (unwritten !== undefined ? failed(unwritable(unwritten)) : code);
}

function failed(error: AgentError): ExitCode {
  complain(error.message);
  return error.exitCode;
}

function complain(text: string): void {
  process.stderr.write(`probes-agent: ${text}\n`);
}
