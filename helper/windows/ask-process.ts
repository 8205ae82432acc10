import type { AskProcess, ProcessAnswers } from './etw/process-line.ts';
import { isHandle, wideText, type Handle, type Windows } from './functions.ts';
import { MAX_PROCESS_COMMAND_LINE_BYTES } from './limits.ts';
import { identityOf } from './token.ts';

const PROCESS_QUERY_LIMITED_INFORMATION = 0x1000;
/** PROCESSINFOCLASS ProcessCommandLineInformation, Windows 8.1 and later: a UNICODE_STRING, then its text. */
const COMMAND_LINE_INFORMATION = 60;
const UNICODE_STRING_BYTES = 16;

/**
 * Asks running processes for data that the session did not report. A process can change its own command line, so this
 * is the second-best source.
 */
export function processAsker(windows: Windows): AskProcess {
  const scratch = Buffer.alloc(MAX_PROCESS_COMMAND_LINE_BYTES);
  return (pid, created, known) => {
    const process = windows.OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, false, pid) as Handle;
    if (!isHandle(process)) return {};
    try {
      return isThatProcess(windows, process, created) ? answersOf(windows, process, scratch, known) : {};
    } finally {
      windows.CloseHandle(process);
    }
  };
}

/** A free id is soon reused by another process. */
function isThatProcess(windows: Windows, process: Handle, created: bigint | undefined): boolean {
  if (created === undefined) return true;
  const began = [0n];
  return windows.GetProcessTimes(process, began, [0n], [0n], [0n]) === true && BigInt(began[0] ?? 0) === created;
}

function answersOf(
  windows: Windows,
  process: Handle,
  scratch: Buffer,
  known: { commandLine: boolean; image: boolean },
): ProcessAnswers {
  const commandLine = known.commandLine ? undefined : readCommandLine(windows, process, scratch);
  const image = known.image ? undefined : readImage(windows, process, scratch);
  return {
    ...identityOf(windows, process),
    ...(commandLine === undefined ? {} : { commandLine }),
    ...(image === undefined ? {} : { image }),
  };
}

function readCommandLine(windows: Windows, process: Handle, scratch: Buffer): string | undefined {
  if (windows.NtQueryInformationProcess(process, COMMAND_LINE_INFORMATION, scratch, scratch.length, [0]) !== 0)
    return undefined;
  const bytes = Math.min(scratch.readUInt16LE(0), scratch.length - UNICODE_STRING_BYTES);
  return scratch.toString('utf16le', UNICODE_STRING_BYTES, UNICODE_STRING_BYTES + bytes);
}

/** Path of the process's image. @param scratch of at least 64 KiB */
export function readImage(windows: Windows, process: Handle, scratch: Buffer): string | undefined {
  const characters = [32_767];
  return windows.QueryFullProcessImageNameW(process, 0, scratch, characters) === true
    ? wideText(scratch.subarray(0, 2 * (characters[0] as number)))
    : undefined;
}
