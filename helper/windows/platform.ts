import { WindowsService } from '../../shared/windows/service.ts';
import type { RunOptions } from '../command-line.ts';
import { HelperError } from '../errors.ts';
import { loadKoffi } from '../koffi.ts';
import { bindWindows } from './functions.ts';
import type { Platform } from '../platform.ts';
import { say, sayToSystemLog } from '../say.ts';
import { audit } from './audit/audit.ts';
import { eventLog, SERVICE_NAME } from './event-log.ts';
import { locateWindowsInstallation } from './installation.ts';
import { forwardEvents, PRODUCT_SETTING, type WindowsSetting } from './run.ts';

/** @param setting PRODUCT_SETTING, except in tests */
export const windowsPlatform = (setting: WindowsSetting): Platform => ({
  run: (options) => (options.service ? runAsService(options, setting) : void runInConsole(options, setting)),
  audit: (options) => audit(options, setting),
});

export const windows: Platform = windowsPlatform(PRODUCT_SETTING);

async function runInConsole(options: RunOptions, setting: WindowsSetting): Promise<void> {
  const stop = await forwardEvents(options, setting, () => process.exit(0));
  // Ctrl-C and Ctrl-Break; Windows has no SIGTERM.
  process.once('SIGINT', stop);
  process.once('SIGBREAK', stop);
}

function runAsService(options: RunOptions, setting: WindowsSetting): void {
  const koffi = loadKoffi(locateWindowsInstallation().addon);
  const log = eventLog(bindWindows(koffi));
  sayToSystemLog((text) => log(text, false));
  let stop: (() => void) | undefined;
  const fail = (error: unknown): never => {
    const text = error instanceof Error ? error.message : String(error);
    const code = error instanceof HelperError ? error.exitCode : 1;
    log(text, true);
    service.stopped(code);
    process.exit(code);
  };
  const end = (): never => {
    service.stopped(0);
    process.exit(0);
  };
  const service = new WindowsService(
    koffi,
    SERVICE_NAME,
    {
      onStart: () => {
        const begin = async (): Promise<void> => {
          stop = await forwardEvents(options, setting, end);
          service.running();
        };
        begin().catch(fail);
      },
      onStop: () => (stop === undefined ? end() : stop()),
    },
    () => {
      say('only the service manager can use --service. Omit it in a console.');
      process.exit(new HelperError('HELPER_USAGE', '').exitCode);
    },
  );
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', fail);
}
