import { isHandle, type Handle, type Windows } from './functions.ts';

/** Name of the service, and of the source of its messages in the Application log. */
export const SERVICE_NAME = 'platform-probes-helper';

const TYPE = { error: 1, information: 4 } as const;
/** Windows' own EventCreate.exe, which the installer names as the source's messages, has "%1" under every number to 1000. */
const MESSAGE_ID = 1;

/** Gives a function that writes one line to the Application log; where there is none, does nothing. */
export function eventLog(windows: Windows): (text: string, isError: boolean) => void {
  const log = windows.RegisterEventSourceW(null, SERVICE_NAME) as Handle;
  return (text, isError) => {
    if (isHandle(log))
      windows.ReportEventW(log, isError ? TYPE.error : TYPE.information, 0, MESSAGE_ID, null, 1, 0, [text], null);
  };
}
