import test, { type ExecutionContext } from 'ava';
import { messageOf } from '../../../installers/tools/progress.ts';
import { victoriaLogsProgram } from './victoria-logs-binary.ts';

/** Declares a test that is skipped, with the reason in its title, where VictoriaLogs cannot be had. */
export function victoriaLogsTest(title: string, body: (t: ExecutionContext) => Promise<void>): void {
  const missing = whyMissing();
  if (missing === undefined) test.serial(title, body);
  else test.serial.skip(`[skipped: needs VictoriaLogs: ${missing}] ${title}`, body);
}

let reason: { readonly text: string | undefined } | undefined;

/** Tries once for each test file. */
function whyMissing(): string | undefined {
  reason ??= attempt();
  return reason.text;
}

function attempt(): { readonly text: string | undefined } {
  try {
    victoriaLogsProgram();
    return { text: undefined };
  } catch (error) {
    // The title is read up to the first bracket.
    return { text: messageOf(error).split('\n', 1)[0]!.replaceAll(/[[\]]/gu, '') };
  }
}
