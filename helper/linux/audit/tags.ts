import { readFileSync } from 'node:fs';
import type { Koffi } from '../../koffi.ts';
import { MIN_RING_BYTES } from '../../limits.ts';
import { readFdinfo } from '../fdinfo.ts';
import { bindLibbpf, type Handle } from '../root/libbpf.ts';
import { refused } from '../root/probe.ts';

/**
 * Loads programs of an object without attaching them, and returns the kernel's tag for each. They disappear when the
 * process ends.
 * @throws {HelperError} HELPER_PROBE_REFUSED
 */
export function loadForTags(koffi: Koffi, file: string, names: readonly string[]): ReadonlyMap<string, string> {
  const bpf = bindLibbpf(koffi);
  const bytes = readFileSync(file);
  const object: Handle = bpf.open(bytes, bytes.length, null);
  if (object === null) throw refused('read', bpf.errno());
  for (const name of names) bpf.set_autoload(bpf.program(object, name), true);
  bpf.set_entries(bpf.map(object, 'ring'), MIN_RING_BYTES);
  const failed = bpf.load(object);
  if (failed < 0) throw refused('load', -failed);
  return new Map(
    names.map((name) => [name, readFdinfo(bpf.program_fd(bpf.program(object, name))).get('prog_tag') ?? '']),
  );
}
