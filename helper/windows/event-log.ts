import { isHandle, type Handle, type Windows } from './functions.ts';

/** Name of the service, and of the source of its messages in the Application log. */
export const SERVICE_NAME = 'platform-probes-helper';

const TYPE = { error: 1, information: 4 } as const;
/**
 * The number of our messages. EventCreate.exe of Windows, which the installer registers as the source of message texts,
 * has "%1" for every number up to 1000.
 */
const MESSAGE_ID = 1;

/** Returns a function that writes one line to the Application log; without such a log it does nothing. */
export function eventLog(windows: Windows): (text: string, isError: boolean) => void {
  const log = windows.RegisterEventSourceW(null, SERVICE_NAME) as Handle;
  return (text, isError) => {
    if (isHandle(log))
      windows.ReportEventW(log, isError ? TYPE.error : TYPE.information, 0, MESSAGE_ID, null, 1, 0, [text], null);
  };
}
