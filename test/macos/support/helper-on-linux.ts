// The macOS helper's processes on Linux: all of its code but what calls macOS, with another
// program in the place of dtrace or eslogger. Started by child-helper.ts:
//   helper-on-linux.ts SETTINGS run
//   helper-on-linux.ts SETTINGS forward HANDOFF
import { readFileSync } from 'node:fs';
import { forwardChild } from '../../../helper/macos/child/forward.ts';
import { parseChildHandoff, type ChildHandoff } from '../../../helper/macos/child/handoff.ts';
import type { Host } from '../../../helper/macos/child/host.ts';
import type { KeptProgram } from '../../../helper/macos/child/keeper.ts';
import { watchOver } from '../../../helper/macos/child/watch-over.ts';
import { loadKoffi } from '../../../helper/koffi.ts';
import { bindLibc } from '../../../helper/linux/libc.ts';
import { linuxClocks } from '../../../helper/linux/forward/clocks.ts';
import { linuxSockets } from '../../../helper/linux/sockets.ts';
import { listen } from '../../../helper/unix/listen.ts';

export interface Settings {
  readonly addon: string;
  readonly socket: string;
  readonly group: number;
  readonly uid: number;
  readonly backlogBytes: number;
  readonly source: ChildHandoff['source'];
  readonly env?: readonly string[];
  readonly program: KeptProgram;
  readonly canary: KeptProgram;
  readonly canaryTimes: { readonly intervalMs: number; readonly patienceMs: number };
}

const F_SETFD = 2;
const F_SETFL = 4;
const FD_CLOEXEC = 1;
const O_NONBLOCK = 0o4000;

function linuxHost(addon: string): Host {
  const koffi = loadKoffi(addon);
  const libc = bindLibc(koffi);
  const pipe = koffi.load('libc.so.6').func('int pipe(_Out_ int *fds)');
  return {
    platform: 'linux',
    koffi,
    sockets: linuxSockets(libc),
    clocks: linuxClocks(libc),
    pipe() {
      const fds = [0, 0];
      if (pipe(fds) !== 0) throw libc.failure('pipe');
      for (const fd of fds) libc.fcntl(fd, F_SETFD, FD_CLOEXEC);
      return fds as [number, number];
    },
    setCloseOnExec(fd) {
      if (libc.fcntl(fd, F_SETFD, FD_CLOEXEC) !== 0) throw libc.failure('fcntl');
    },
    setNonBlocking(fd) {
      if (libc.fcntl(fd, F_SETFL, O_NONBLOCK) !== 0) throw libc.failure('fcntl');
    },
    bootId: () => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
  };
}

const [text = '', command, handoff] = process.argv.slice(2);
const settings = JSON.parse(text) as Settings;
const host = linuxHost(settings.addon);
if (command === 'forward') forwardChild(host, parseChildHandoff(handoff), settings.canary, settings.canaryTimes);
else {
  const { socket, group, uid, backlogBytes, source, program } = settings;
  watchOver(host, {
    program,
    command: [process.execPath, process.argv[1] as string, text],
    listener: listen(host.sockets, socket, group).fd,
    handoff: {
      source,
      sha256: '0'.repeat(64),
      limits: [],
      env: settings.env ?? [],
      backlogBytes,
      uid,
      gid: group,
      group,
    },
  });
}
