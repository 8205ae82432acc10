import { runCommandLine } from './commands.ts';
import { linux } from './linux/platform.ts';
import { macos } from './macos/platform.ts';
import type { Platform } from './platform.ts';
import { windows } from './windows/platform.ts';

/**
 * The build replaces `process.platform` by its target's name, so that each system's helper contains only its own code.
 */
const platform: Platform | undefined =
  process.platform === 'linux'
    ? linux
    : process.platform === 'win32'
      ? windows
      : process.platform === 'darwin'
        ? macos
        : undefined;

runCommandLine(process.argv.slice(2), platform);
