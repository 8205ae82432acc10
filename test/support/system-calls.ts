/**
 * System calls that tests make inside the helper: their numbers on x86-64 and arm64 (-1: does not exist). A test compares
 * them with the kernel's headers.
 */
export const SYSTEM_CALLS = {
  execve: [59, 221],
  execveat: [322, 281],
  fork: [57, -1],
  vfork: [58, -1],
  clone: [56, 220],
  clone3: [435, 435],
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  socket: [41, 198],
  connect: [42, 203],
  bind: [49, 200],
  recvfrom: [45, 207],
  recvmsg: [47, 212],
  open: [2, -1],
  openat: [257, 56],
  openat2: [437, 437],
  unlink: [87, -1],
  unlinkat: [263, 35],
  chmod: [90, -1],
  fchmodat: [268, 53],
  bpf: [321, 280],
  io_uring_setup: [425, 425],
  setuid: [105, 146],
  setgid: [106, 144],
  setresuid: [117, 147],
  capset: [126, 91],
  prctl: [157, 167],
  kill: [62, 129],
  mount: [165, 40],
  finit_module: [313, 273],
  unshare: [272, 97],
  mmap: [9, 222],
  ioctl: [16, 29],
  pidfd_getfd: [438, 438],
  sched_getaffinity: [204, 123],
  prlimit64: [302, 261],
  seccomp: [317, 277],
  fcntl: [72, 25],
  read: [0, 63],
  pread64: [17, 67],
  sendto: [44, 206],
  write: [1, 64],
  getpid: [39, 172],
  close: [3, 57],
  fstat: [5, 80],
  fsync: [74, 82],
} as const satisfies Readonly<Record<string, readonly [x64: number, arm64: number]>>;

export type SystemCall = keyof typeof SYSTEM_CALLS;

/** The number of a call on this machine; -1 when it has none. */
export const numberOf = (call: SystemCall): number => SYSTEM_CALLS[call][process.arch === 'arm64' ? 1 : 0];
