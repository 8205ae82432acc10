import { loadFfi } from '../ffi.ts';

/** From socket.h of Linux, on all architectures that Node.js supports. */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;

/** Returns a user id; undefined when the kernel does not tell. */
type AskListener = (descriptor: number) => number | undefined;

let bound: AskListener | undefined;

/**
 * Returns a function that asks the kernel for the listener of a connected Unix socket: the effective user id of the process
 * when it called listen(2). The id stays the same when that process gives up root or passes the socket to another
 * program: measured on Linux 6.18 for an execve under another uid. Only another listen(2) changes it.
 *
 * SO_PEERCRED of unix(7); getpeereid(3) on macOS.
 * @throws {AgentError} ADDON_UNSAFE
 */
export function listenerAsker(): AskListener {
  return (bound ??= process.platform === 'darwin' ? bindMac() : bindLinux());
}

// load(null) finds functions in the running program, which already has the C library: it searches for no file.
function bindLinux(): AskListener {
  const getsockopt = loadFfi()
    .load(null)
    .func('int getsockopt(int fd, int level, int option, _Out_ uint8_t *value, _Inout_ uint32_t *bytes)');
  return (descriptor) => {
    // struct ucred: process, user, group.
    const credentials = Buffer.alloc(12);
    const length = [credentials.length];
    const failed = getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, credentials, length) !== 0;
    return failed || length[0] !== credentials.length ? undefined : credentials.readUInt32LE(4);
  };
}

function bindMac(): AskListener {
  const getpeereid = loadFfi().load(null).func('int getpeereid(int fd, _Out_ uint32_t *uid, _Out_ uint32_t *gid)');
  return (descriptor) => {
    const uid = [0];
    return getpeereid(descriptor, uid, [0]) === 0 ? uid[0] : undefined;
  };
}
