import { existsSync, readFileSync } from 'node:fs';
import type { Finding, Section } from '../../audit/report.ts';
import { requireTrusted } from '../../unix/trusted-files.ts';

/**
 * Checks that launchd starts the installed helper and nothing else, from a file that only root can change. It reads
 * property lists in the form that the package installs; another form of the same content is a finding too.
 */
export function auditService(plist: string, executable: string): Section {
  if (!existsSync(plist)) return { title: 'service', facts: { plist: 'not installed' }, findings: [] };
  const findings: Finding[] = [];
  let real = plist;
  try {
    real = requireTrusted(plist);
  } catch (error) {
    findings.push({ code: 'SERVICE_UNSAFE', message: (error as Error).message.replace(/^HELPER_UNSAFE_FILE: /, '') });
  }
  const text = readFileSync(real, 'utf8').replaceAll(/<!--.*?-->/gs, '');
  const [, list = ''] = /<key>ProgramArguments<\/key>\s*<array>(.*?)<\/array>/s.exec(text) ?? [];
  const program = [...list.matchAll(/<string>(.*?)<\/string>/gs)].map(([, argument = '']) => argument);
  // <key>Program</key> goes before the first argument.
  if (program[0] !== executable || program[1] !== 'run' || text.includes('<key>Program</key>')) {
    findings.push({
      code: 'SERVICE_OTHER_PROGRAM',
      message: `${plist} does not start ${executable} run, but: ${program.join(' ') || 'nothing readable'}. Install again.`,
    });
  }
  const changed = ['EnvironmentVariables', 'UserName', 'RootDirectory', 'BundleProgram'].filter((key) =>
    text.includes(`<key>${key}</key>`),
  );
  if (changed.length > 0)
    findings.push({
      code: 'SERVICE_CHANGED',
      message: `${plist} has ${changed.join(', ')}, unlike the one of the package. Install again.`,
    });
  return { title: 'service', facts: { plist, program: program.join(' ') }, findings };
}
