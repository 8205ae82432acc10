import { existsSync } from 'node:fs';
import type { AuditOptions } from '../../command-line.ts';
import { pinFolder } from '../root/pins.ts';
import { HelperError } from '../../errors.ts';
import { loadKoffi } from '../../koffi.ts';
import { bindLibc } from '../libc.ts';
import { locateInstallation } from '../../installation.ts';
import { requireTrusted } from '../../unix/trusted-files.ts';
import { auditFiles } from '../../audit/files.ts';
import { auditKernel } from './kernel.ts';
import { auditPipe } from './pipe.ts';
import { auditProcess, findHelper, readHandoff } from './process.ts';
import { renderJson, renderText, type Section } from '../../audit/report.ts';

/**
 * Looks from outside, as root, at the helper that serves a socket, and compares it
 * with what was shipped. Believes the kernel, not the helper.
 * @returns the report, and whether nothing is to be objected to
 * @throws {HelperError} when it cannot look
 */
export function audit(options: AuditOptions): { text: string; ok: boolean } {
  if (process.geteuid?.() !== 0)
    throw new HelperError(
      'HELPER_NOT_ROOT',
      'looking into the kernel and another process takes root. Start it with sudo.',
    );
  const installation = locateInstallation('linux');
  const sections: Section[] = [auditFiles(installation.files, requireTrusted, options.manifest)];
  const pid = findHelper(`${options.socket}.lock`);
  const handoff = pid === undefined ? undefined : readHandoff(pid);
  if (pid === undefined || handoff === undefined) {
    const finding =
      pid === undefined
        ? { code: 'HELPER_NOT_RUNNING', message: `no helper serves ${options.socket}. Start it.` }
        : {
            code: 'HELPER_STARTING',
            message: `process ${pid} has not given up its privileges yet. Look again in a second.`,
          };
    sections.push({ title: 'process', facts: {}, findings: [finding] });
  } else if (existsSync(installation.addon) && existsSync(installation.probe)) {
    const koffi = loadKoffi(installation.addon);
    const libc = bindLibc(koffi);
    sections.push(
      auditProcess(pid, handoff, installation),
      auditKernel(koffi, libc, pid, handoff, installation.probe, pinFolder(options.socket)),
      auditPipe(koffi, libc, pid, handoff, options.socket),
    );
  }
  return {
    text: (options.json ? renderJson : renderText)(sections),
    ok: sections.every((section) => section.findings.length === 0),
  };
}
