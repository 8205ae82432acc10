import type { AuditOptions } from '../../command-line.ts';
import { pinFolder } from '../root/pins.ts';
import { HelperError } from '../../errors.ts';
import { realSocket } from '../../unix/audit-socket.ts';
import { loadKoffi } from '../../koffi.ts';
import { bindLibc } from '../libc.ts';
import { locateInstallation, trustedInstallation, type Installation } from '../../installation.ts';
import { leaveEnvironment } from '../../unix/environment.ts';
import type { Handoff } from '../handoff.ts';
import { auditProgress } from './progress.ts';
import { requireTrusted } from '../../unix/trusted-files.ts';
import { auditFiles } from '../../audit/files.ts';
import { auditKernel } from './kernel.ts';
import { auditPipe, mapBacklog } from './pipe.ts';
import { DurableState } from '../../stream/durable-state.ts';
import { auditProcess, findHelper, readHandoff } from './process.ts';
import { renderJson, renderText, type Section } from '../../audit/report.ts';

/**
 * Examines from outside, as root, the helper that serves a socket, and compares it with the release. Trusts the kernel,
 * not the helper.
 * @returns the report, and whether there are no findings
 * @throws {HelperError} when it cannot examine the helper
 */
export function audit(options: AuditOptions): { text: string; ok: boolean } {
  if (process.geteuid?.() !== 0)
    throw new HelperError(
      'HELPER_NOT_ROOT',
      'the audit needs root to look into the kernel and another process. Start it with sudo.',
    );
  const located = locateInstallation('linux');
  const installation = trustedOrNot(located);
  if (installation !== undefined) leaveEnvironment(installation.command);
  const files = auditFiles(located.files, requireTrusted, options.manifest);
  const sections: Section[] = [files];
  const pid = findHelper(`${options.socket}.lock`);
  const handoff = pid === undefined ? undefined : readHandoff(pid);
  if (pid === undefined || handoff === undefined) {
    const finding =
      pid === undefined
        ? { code: 'HELPER_NOT_RUNNING', message: `no helper serves ${options.socket}. Start it.` }
        : {
            code: 'HELPER_STARTING',
            message: `process ${pid} has not given up its privileges yet. Run the audit again in a second.`,
          };
    sections.push({ title: 'process', facts: {}, findings: [finding] });
  } else {
    sections.push(auditProcess(pid, handoff, located));
    // The audit reports files that others could have changed, and loads none of them as root; nor a changed addon, which
    // can end the audit before its report.
    sections.push(
      ...(installation === undefined || files.changed.includes(located.addon)
        ? [auditProgress(pid, undefined)]
        : lookInside(installation, pid, handoff, options.socket)),
    );
  }
  return {
    text: (options.json ? renderJson : renderText)(sections),
    ok: sections.every((section) => section.findings.length === 0),
  };
}

function trustedOrNot(located: Installation): Installation | undefined {
  try {
    return trustedInstallation(located, requireTrusted);
  } catch {
    return undefined;
  }
}

/** The parts of the audit that need the FFI addon and libbpf. */
function lookInside(installation: Installation, pid: number, handoff: Handoff, socket: string): Section[] {
  const koffi = loadKoffi(installation.addon);
  const libc = bindLibc(koffi);
  const memory = mapBacklog(koffi, libc, pid, handoff);
  return [
    auditProgress(pid, () => DurableState.turn(memory)),
    auditKernel(koffi, libc, pid, handoff, installation.probe, pinFolder(realSocket(socket))),
    auditPipe(memory, pid, handoff, socket),
  ];
}
