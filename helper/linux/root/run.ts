import type { RunOptions } from '../../command-line.ts';
import { claimPins, pinFolder, removePins } from './pins.ts';
import { openProbe } from './probe.ts';
import { HelperError } from '../../errors.ts';
import { loadKoffi } from '../../koffi.ts';
import { bindLibc } from '../libc.ts';
import { listen } from '../../unix/listen.ts';
import { findGroup, findUser } from './accounts.ts';
import { dropPrivileges } from './drop.ts';
import { restrictFiles } from '../confine/landlock.ts';
import { denyIoUring } from '../confine/io-uring.ts';
import { leaveEnvironment } from '../../unix/environment.ts';
import { requireTrusted } from '../../unix/trusted-files.ts';
import { requireTrustedCode } from '../code.ts';
import { handOnWriteOnly } from './streams.ts';
import { say } from '../../say.ts';
import { handOff } from './handoff.ts';
import { locateInstallation, trustedInstallation } from '../../installation.ts';
import { linuxSockets } from '../sockets.ts';
import { connectToManager } from './manager.ts';

/** The files that the forwarding stage reads while it starts: its libraries, and the system's facts about processes. */
const RUNTIME_FILES = ['/usr', '/lib', '/lib64', '/etc/ld.so.cache', '/dev/null', '/proc'];

/**
 * The privileged stage, from top to bottom. It opens everything that needs privilege, gives up all privilege, and
 * becomes the forwarding stage. Does not return.
 * @throws {HelperError}
 */
export function run(options: RunOptions): never {
  if (process.geteuid?.() !== 0)
    throw new HelperError('HELPER_NOT_ROOT', 'loading the probe needs root. Start it with sudo, or as a service.');

  // 1. Before loading the addon, check that only root can change the files that decide what runs here.
  const installation = trustedInstallation(locateInstallation('linux'), requireTrusted);
  leaveEnvironment(installation.command);
  requireTrustedCode();

  const user = findUser(options.user);
  const group = findGroup(options.group);
  const koffi = loadKoffi(installation.addon);
  const libc = bindLibc(koffi);

  // 2. The pipe before the probe: if another helper runs, nothing has been attached yet.
  const { fd: listener, lock, path: socket } = listen(linuxSockets(libc), options.socket, group);

  // 3. The probe: taken over from a predecessor, or new.
  const folder = pinFolder(socket);
  if (!options.pin) removePins(libc, folder);
  const locks = options.pin ? [lock, claimPins(libc, folder)] : [lock];
  const probe = openProbe(koffi, installation.probe, { ...options, pins: options.pin ? folder : undefined });
  if (probe.ringBytes !== options.ringBytes || probe.backlogBytes !== options.backlogBytes) {
    say(
      `pinned maps keep their sizes: ring ${probe.ringBytes}, backlog ${probe.backlogBytes} bytes. To change it, start once with --no-pin.`,
    );
  }

  const notify = connectToManager(libc, options.notify);

  // 4. Nothing that follows needs privilege.
  handOnWriteOnly(libc);
  dropPrivileges(libc, user.uid, user.gid);
  const landlock = restrictFiles(libc, [installation.folder, installation.addon, ...RUNTIME_FILES]);
  denyIoUring(libc);
  try {
    return handOff(libc, installation, { probe, listener, locks, ...user, group, landlock, notify });
  } catch (error) {
    if (!(error instanceof HelperError)) throw error;
    say(error.message);
    // process.exit() would let libuv use a ring that it made before they were forbidden, and then abort.
    libc.exit(error.exitCode);
    throw error;
  }
}
