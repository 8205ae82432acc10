import { auditFiles } from '../../audit/files.ts';
import { renderJson, renderText, type Section } from '../../audit/report.ts';
import { auditSocket } from '../../unix/audit-socket.ts';
import type { AuditOptions } from '../../command-line.ts';
import { HelperError } from '../../errors.ts';
import { locateInstallation } from '../../installation.ts';
import { requireTrusted } from '../../unix/trusted-files.ts';
import { systemOf } from '../../systems.ts';
import { findGroupId } from '../accounts.ts';
import { DTRACE, ESLOGGER } from '../choose-source.ts';
import { ask } from './ask.ts';
import { auditProcesses, type Expected } from './processes.ts';
import { auditService } from './service.ts';

/** The files that the audit reads and the programs that it runs. */
export interface AuditSetting extends Expected {
  readonly files: readonly string[];
  readonly group: number;
  readonly plist: string;
  readonly ps: string;
  readonly csrutil: string;
}

/** Examines from outside, as root, the installed helper. @throws {HelperError} when it cannot examine it */
export function audit(options: AuditOptions): { text: string; ok: boolean } {
  if (process.geteuid?.() !== 0)
    throw new HelperError('HELPER_NOT_ROOT', 'the audit needs root to examine the helper. Start it with sudo.');
  const { files, command } = locateInstallation('darwin');
  return auditWith(options, {
    files,
    executable: command[0],
    tracers: [DTRACE, ESLOGGER],
    group: findGroupId(systemOf('darwin').group),
    plist: '/Library/LaunchDaemons/platform-probes.helper.plist',
    ps: '/bin/ps',
    csrutil: '/usr/bin/csrutil',
  });
}

/** The same audit, with the files and programs that the setting names. */
export function auditWith(options: AuditOptions, setting: AuditSetting): { text: string; ok: boolean } {
  const { facts, findings } = auditSocket(options.socket, setting.group);
  const sections: readonly Section[] = [
    auditFiles(setting.files, requireTrusted, options.manifest),
    auditService(setting.plist, setting.executable),
    auditProcesses(setting.ps, setting),
    { title: 'pipe', facts, findings },
    // Neither state is a finding: dtrace needs one, most Macs have the other.
    {
      title: 'system',
      facts: { integrity_protection: ask(setting.csrutil, 'status')?.trim().split('\n', 1)[0] ?? 'unknown' },
      findings: [],
    },
  ];
  return {
    text: (options.json ? renderJson : renderText)(sections),
    ok: sections.every((section) => section.findings.length === 0),
  };
}
