import { auditFiles } from '../../audit/files.ts';
import { renderJson, renderText, type Finding, type Section } from '../../audit/report.ts';
import type { AuditOptions } from '../../command-line.ts';
import { bindEtw } from '../etw/functions.ts';
import { EtwSession, SESSION_NAME } from '../etw/session.ts';
import { loadKoffi, type Koffi } from '../../koffi.ts';
import { bindWindows, isHandle, wideText, type Windows } from '../functions.ts';
import { auditPipe, lookAtPipe } from './pipe.ts';
import { readImage } from '../ask-process.ts';
import { SERVICE_NAME } from '../event-log.ts';
import { locateWindowsInstallation, type WindowsInstallation } from '../installation.ts';
import type { WindowsSetting } from '../run.ts';
import { privilegesOf, surplusPrivileges } from '../token.ts';
import { requireTrustedFile } from '../trusted-files.ts';

const PROCESS_QUERY_LIMITED_INFORMATION = 0x1000;
const HKEY_LOCAL_MACHINE = 0x8000_0002;
/** Accepts any type, and expands names in percent signs. */
const RRF_RT_ANY = 0xffff;

/**
 * Examines from outside the helper that serves a pipe, and compares it with the release. Needs an elevated prompt.
 * @returns the report, and whether there are no findings
 * @throws {HelperError} when it cannot examine the helper
 */
export function audit(options: AuditOptions, setting: WindowsSetting): { text: string; ok: boolean } {
  const installation = locateWindowsInstallation();
  const koffi = loadKoffi(installation.addon);
  const windows = bindWindows(koffi);
  const sections: Section[] = [
    auditFiles(
      installation.files,
      (file) => requireTrustedFile(windows, file, setting.trustedWriters),
      options.manifest,
    ),
  ];
  const pipe = lookAtPipe(windows, options.socket);
  if ('status' in pipe) {
    const message = `no helper serves ${options.socket} to this user (Windows error ${pipe.status}). Start the service platform-probes-helper, or run this elevated.`;
    sections.push({ title: 'process', facts: {}, findings: [{ code: 'HELPER_NOT_RUNNING', message }] });
  } else {
    sections.push(
      auditProcess(windows, pipe.serverPid, installation),
      auditPipe(options.socket, pipe, setting.trustedWriters),
    );
  }
  sections.push(auditSession(koffi, setting.etwLibrary), auditService(windows));
  return {
    text: (options.json ? renderJson : renderText)(sections),
    ok: sections.every(({ findings }) => findings.length === 0),
  };
}

/** Checks that the process that serves the pipe runs the installed program, and has no unneeded privilege. */
function auditProcess(windows: Windows, pid: number, installation: WindowsInstallation): Section {
  const findings: Finding[] = [];
  const process = windows.OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, false, pid) as number;
  const image = isHandle(process) ? readImage(windows, process, Buffer.alloc(65_536)) : undefined;
  const token = isHandle(process) ? privilegesOf(windows, process) : undefined;
  if (isHandle(process)) windows.CloseHandle(process);
  const [program = ''] = installation.files;
  if (image === undefined || token === undefined) {
    findings.push({
      code: 'PROCESS_UNREADABLE',
      message: `process ${pid}, which serves the pipe, cannot be examined. Run this elevated.`,
    });
  } else {
    if (image.toLowerCase() !== program.toLowerCase()) {
      findings.push({
        code: 'PROCESS_OTHER_PROGRAM',
        message: `process ${pid}, which serves the pipe, runs ${image}, not ${program}. Find out who started it.`,
      });
    }
    const surplus = surplusPrivileges(token.token_privileges ?? []);
    if (surplus.length > 0) {
      findings.push({
        code: 'PROCESS_PRIVILEGES',
        message: `process ${pid} still holds ${surplus.join(', ')}. Restart the service.`,
      });
    }
  }
  return { title: 'process', facts: { pid, image: image ?? 'unknown', ...token }, findings };
}

/**
 * Checks whether Windows could start another program instead of the service's: a path that contains a blank must be
 * quoted.
 */
function auditService(windows: Windows): Section {
  const findings: Finding[] = [];
  const data = Buffer.alloc(2048);
  const key = `SYSTEM\\CurrentControlSet\\Services\\${SERVICE_NAME}`;
  const status = windows.RegGetValueW(HKEY_LOCAL_MACHINE, key, 'ImagePath', RRF_RT_ANY, null, data, [
    data.length,
  ]) as number;
  const imagePath = status === 0 ? wideText(data) : undefined;
  if (imagePath !== undefined && /^[^"]* [^"]*\.exe/i.test(imagePath)) {
    findings.push({
      code: 'SERVICE_PATH_UNQUOTED',
      message: `the service starts ${imagePath}, without quotes: a program at an earlier blank would be started instead. Install again, or set ImagePath in HKLM\\${key}.`,
    });
  }
  return { title: 'service', facts: { name: SERVICE_NAME, image_path: imagePath ?? 'not installed' }, findings };
}

function auditSession(koffi: Koffi, library: string): Section {
  const losses = EtwSession.lossesByName(bindEtw(koffi, library));
  const finding = {
    code: 'SESSION_MISSING',
    message: `there is no tracing session "${SESSION_NAME}": nothing is seen. The helper restarts it within a second or two; run the audit again, and see the helper's log.`,
  };
  return {
    title: 'session',
    facts: {
      name: SESSION_NAME,
      ...(losses === undefined ? {} : { events_lost: losses.events, buffers_lost: losses.buffers }),
    },
    findings: losses === undefined ? [finding] : [],
  };
}
