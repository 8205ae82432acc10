import { readdirSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { KernelCounters } from '../source/counters.ts';
import { readFdinfo } from '../fdinfo.ts';
import { bindLibbpf, type Libbpf } from '../root/libbpf.ts';
import { LASTING_MAPS, linkPins, mapPin, type LinkPin } from '../root/pins.ts';
import { requiredPrograms, tracepointOf } from '../programs.ts';
import type { Koffi } from '../../koffi.ts';
import type { Libc } from '../libc.ts';
import type { Handoff } from '../handoff.ts';
import { hashOrReason } from '../../audit/files.ts';
import type { Finding, Section } from '../../audit/report.ts';
import { loadForTags } from './tags.ts';

/**
 * Checks that the kernel runs the shipped probe, whole and attached. The kernel gives each program a tag, a hash over
 * its instructions. The audit loads the shipped object again, without attaching it, and expects the same tags.
 */
export function auditKernel(
  koffi: Koffi,
  libc: Libc,
  pid: number,
  handoff: Handoff,
  object: string,
  pins: string,
): Section {
  const findings: Finding[] = [];
  const bpf = bindLibbpf(koffi);
  // The hand-over lies in the process's own memory, so the programs that every helper has are not taken from there.
  const told = Object.keys(handoff.probe.programs);
  const names = [...new Set([...requiredPrograms(told), ...told])];
  const sha256 = hashOrReason(object);
  const isOther = sha256 !== handoff.probe.sha256;
  if (isOther) {
    findings.push({
      code: 'PROBE_CHANGED',
      message: `${object} (SHA-256 ${sha256}) is not the loaded object (${handoff.probe.sha256}). Install again, or restart the helper after an upgrade.`,
    });
  }
  const isTagOf = tagsOf(() => loadForTags(koffi, object, names), isOther);
  const links = readdirSync(`/proc/${pid}/fd`)
    .filter((fd) =>
      ['anon_inode:bpf_link', 'anon_inode:bpf-link', 'anon_inode:[perf_event]'].includes(
        readlinkSync(`/proc/${pid}/fd/${fd}`),
      ),
    )
    .map((fd) => readFdinfo(fd, pid));
  const attached = links.map((info) => ({
    program_id: info.get('prog_id'),
    tag: info.get('prog_tag'),
    attach_point: info.get('tp_name') ?? info.get('link_type') ?? 'perf event',
  }));
  const unmatched = [...attached];
  for (const name of names) {
    // Links to system call tracepoints report their attach point only from 6.16 on, and their program's tag from 5.15 on.
    const point = tracepointOf(name);
    const at = unmatched.findIndex(({ tag, attach_point }) =>
      point === undefined ? tag === undefined || isTagOf(tag, name) : isTagOf(tag, name) && attach_point === point,
    );
    if (at !== -1) unmatched.splice(at, 1);
    else
      findings.push({
        code: 'PROGRAM_DETACHED',
        message: `the shipped program ${name} is not attached. Events are missing; restart the helper.`,
      });
  }
  for (const { tag, attach_point } of unmatched) {
    findings.push({
      code: 'PROGRAM_FOREIGN',
      message: `the helper holds a program that is not ours: tag ${tag} on ${attach_point}`,
    });
  }

  const counters = readFdinfo(handoff.probe.counters, pid);
  if (counters.get('frozen') !== '1')
    findings.push({
      code: 'COUNTERS_WRITABLE',
      message: "user space could write to the kernel's counters: the map is not frozen. Restart the helper.",
    });
  const maps = (['ring', 'counters', 'backlog'] as const).map((name) => {
    const info = readFdinfo(handoff.probe[name], pid);
    return { map: name, id: info.get('map_id'), entries: info.get('max_entries'), frozen: info.get('frozen') };
  });
  const totals = new KernelCounters(libc, bpf.map_by_id(Number(counters.get('map_id'))), handoff.probe.cpus).totals();
  const pinned = auditPins(bpf, pins, handoff.probe.sha256.slice(0, 12), isTagOf, findings);
  return {
    title: 'kernel',
    facts: { probe: handoff.probe.sha256, attached, maps, pins: pinned, counters: totals },
    findings,
  };
}

/** Whether the shipped program of this name has the tag. */
type IsTagOf = (tag: string | undefined, name: string) => boolean;

/** @param isOther whether another object is installed: if that cannot be loaded, any tag will do, and a finding says why */
function tagsOf(load: () => ReadonlyMap<string, string>, isOther: boolean): IsTagOf {
  try {
    const expected = load();
    return (tag, name) => tag === expected.get(name);
  } catch (error) {
    if (!isOther) throw error;
    return () => true;
  }
}

/**
 * Looks for foreign pins: someone who can pin a link into the folder (root) could make the next helper take it over.
 */
function auditPins(bpf: Libbpf, folder: string, object: string, isTagOf: IsTagOf, findings: Finding[]): string[] {
  let files: string[];
  try {
    files = readdirSync(folder);
  } catch {
    return []; // no folder, no pins
  }
  const isOurs = (pin: LinkPin): boolean => {
    if (pin.object !== object) return false;
    const tag = readFdinfo(bpf.get(pin.file)).get('prog_tag');
    return tag === undefined || isTagOf(tag, pin.program);
  };
  const ours = new Set(
    linkPins(folder)
      .filter(isOurs)
      .map((pin) => path.basename(pin.file)),
  );
  for (const file of files) {
    if (ours.has(file) || LASTING_MAPS.some((map) => file === mapPin(map))) continue;
    findings.push({
      code: 'PIN_FOREIGN',
      message: `${path.join(folder, file)} is not a pin of this helper. Find out who made it, then remove it.`,
    });
  }
  return files;
}
