import path from 'node:path';

/** Install paths of the packages on one system. */
interface Places {
  readonly config: string;
  readonly socket: string;
}

const programData = (): string =>
  path.win32.join(process.env['ProgramData'] ?? String.raw`C:\ProgramData`, 'platform-probes');

/** On Windows, paths lie under %ProgramData%, which Windows sets for services and users alike. */
export const placesOf = (platform: NodeJS.Platform): Places =>
  platform === 'win32'
    ? { config: path.win32.join(programData(), 'agent.yaml'), socket: String.raw`\\.\pipe\platform-probes-events` }
    : { config: '/etc/platform-probes/agent.yaml', socket: '/run/platform-probes/events.sock' };
