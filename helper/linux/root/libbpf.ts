import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Koffi } from '../../koffi.ts';
import { HelperError } from '../../errors.ts';
import { requireTrusted } from '../../unix/trusted-files.ts';
import { requireTrustedCode } from '../code.ts';

/** The systems' folders of libraries, searched in this order and nowhere else; the loader's search path is not used. */
const FOLDERS = [
  `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`,
  '/usr/lib64',
  '/usr/lib',
  '/usr/local/lib64',
  '/usr/local/lib',
];

/** A pointer of libbpf, never dereferenced here. */
export type Handle = unknown;

/** The part of libbpf 1.x that loads one object; as documented in libbpf.h. Negative results are -errno. */
export type Libbpf = ReturnType<typeof bindLibbpf>;

/** @throws {HelperError} HELPER_NO_LIBBPF; HELPER_UNSAFE_FILE when others than root could have changed it */
export function bindLibbpf(koffi: Koffi) {
  const file = FOLDERS.map((folder) => path.join(folder, 'libbpf.so.1')).find((name) => existsSync(name));
  if (file === undefined) throw missing();
  const real = requireTrusted(file);
  let library: ReturnType<Koffi['load']>;
  try {
    library = koffi.load(real);
  } catch (cause) {
    throw missing(cause);
  }
  requireTrustedCode(); // the system's loader found its dependencies; check them now
  const bound = {
    set_print: library.func('void *libbpf_set_print(void *print)'),
    open: library.func('void *bpf_object__open_mem(const uint8_t *bytes, size_t size, void *options)'),
    load: library.func('int bpf_object__load(void *object)'),
    program: library.func('void *bpf_object__find_program_by_name(void *object, const char *name)'),
    set_autoload: library.func('int bpf_program__set_autoload(void *program, bool load)'),
    set_log: library.func('int bpf_program__set_log_buf(void *program, uint8_t *buffer, size_t size)'),
    attach: library.func('void *bpf_program__attach(void *program)'),
    iterate: library.func('int bpf_iter_create(int link)'),
    program_fd: library.func('int bpf_program__fd(void *program)'),
    link_fd: library.func('int bpf_link__fd(void *link)'),
    map: library.func('void *bpf_object__find_map_by_name(void *object, const char *name)'),
    map_fd: library.func('int bpf_map__fd(void *map)'),
    get: library.func('int bpf_obj_get(const char *path)'),
    map_by_id: library.func('int bpf_map_get_fd_by_id(uint32_t id)'),
    program_by_id: library.func('int bpf_prog_get_fd_by_id(uint32_t id)'),
    pin_link: library.func('int bpf_link__pin(void *link, const char *path)'),
    set_pin_path: library.func('int bpf_map__set_pin_path(void *map, const char *path)'),
    lookup: library.func('int bpf_map_lookup_elem(int fd, const uint8_t *key, uint8_t *value)'),
    freeze: library.func('int bpf_map_freeze(int fd)'),
    set_entries: library.func('int bpf_map__set_max_entries(void *map, uint32_t entries)'),
    set_autocreate: library.func('int bpf_map__set_autocreate(void *map, bool create)'),
    possible_cpus: library.func('int libbpf_num_possible_cpus()'),
  } as const;
  // libbpf prints to standard error by itself; our own errors say what matters.
  bound.set_print(null);
  return { ...bound, errno: () => koffi.errno() };
}

function missing(cause?: unknown): HelperError {
  return new HelperError(
    'HELPER_NO_LIBBPF',
    `cannot load libbpf.so.1 from ${FOLDERS.join(', ')}. Install it: apt-get install libbpf1 (Debian, Ubuntu), dnf install libbpf (Fedora).`,
    { cause },
  );
}
