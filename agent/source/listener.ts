import { loadFfi } from '../ffi.ts';

/** socket.h of Linux, on all of its systems that Node.js runs on. */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;

/** Answers with a user id; with undefined when the kernel does not tell. */
type AskListener = (descriptor: number) => number | undefined;

let bound: AskListener | undefined;

/**
 * Gives a function that asks the kernel who listens at the other end of a connected Unix socket: the effective user id that the
 * process had when it called listen(2). It stays when that process gives up root, or hands the socket to another
 * program: measured on Linux 6.18 for an execve under another uid. Only another call of listen(2) changes it.
 *
 * SO_PEERCRED of unix(7); getpeereid(3) on macOS.
 * @throws {AgentError} ADDON_UNSAFE
 */
export function listenerAsker(): AskListener {
  return (bound ??= process.platform === 'darwin' ? bindMac() : bindLinux());
}

// load(null) finds functions in the running program, which has the C library already: no file is searched for.
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
