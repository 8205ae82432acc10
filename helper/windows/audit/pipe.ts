import type { Finding, Section } from '../../audit/report.ts';
import { isHandle, type Windows } from '../functions.ts';
import { readSddl } from '../pipe/security.ts';
import { RULER_SIDS, whoCan } from '../sddl.ts';

const GENERIC_READ = 0x8000_0000;
const OPEN_EXISTING = 3;
const SECURITY_SQOS_PRESENT = 0x0010_0000;
const HELLO_BYTES = 65_536;

interface PipeLook {
  readonly serverPid: number;
  readonly sddl: string;
  /** The first line, parsed; undefined when it is not JSON. */
  readonly hello: Record<string, unknown> | undefined;
}

/** Connects like a client, and disconnects. @returns its observations, or the number of the error of connecting */
export function lookAtPipe(windows: Windows, name: string): PipeLook | { readonly status: number } {
  const handle = windows.CreateFileW(name, GENERIC_READ, 0, null, OPEN_EXISTING, SECURITY_SQOS_PRESENT, 0) as number;
  if (!isHandle(handle)) return { status: windows.lastError() };
  const pid = [0];
  windows.GetNamedPipeServerProcessId(handle, pid);
  const sddl = readSddl(windows, handle);
  const hello = readHello(windows, handle);
  windows.CloseHandle(handle);
  return { serverPid: pid[0] ?? 0, sddl, hello };
}

function readHello(windows: Windows, handle: number): Record<string, unknown> | undefined {
  const bytes = Buffer.alloc(HELLO_BYTES);
  let length = 0;
  while (length < bytes.length && !bytes.subarray(0, length).includes('\n')) {
    const read = [0];
    if (windows.ReadFile(handle, bytes.subarray(length), bytes.length - length, read, null) !== true || read[0] === 0)
      return undefined;
    length += read[0] as number;
  }
  try {
    return JSON.parse(bytes.toString('utf8', 0, bytes.indexOf('\n'))) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** Rights that let a client write to the pipe, make a further instance, or change who may. */
const MORE_THAN_READING = 0x2 | 0x4 | 0x10 | 0x4_0000 | 0x8_0000 | 0x1000_0000 | 0x4000_0000;

/** Checks that the pipe belongs to SYSTEM or the administrators, and that others can only read it. */
export function auditPipe(name: string, { sddl, hello }: PipeLook, trusted: readonly string[]): Section {
  const findings: Finding[] = [];
  const owner = /O:(S-[\d-]+|[A-Z]{2})/.exec(sddl)?.[1] ?? 'nobody known';
  if (!RULER_SIDS.has(owner) && !trusted.includes(owner)) {
    findings.push({
      code: 'PIPE_OWNER',
      message: `${name} belongs to ${owner}, not to SYSTEM or the administrators: it may not be the helper's. Find out which program made it.`,
    });
  }
  const writers = whoCan(MORE_THAN_READING, sddl).filter((sid) => !trusted.includes(sid));
  if (writers.length > 0) {
    findings.push({
      code: 'PIPE_ACCESS',
      message: `${writers.join(', ')} can do more than read ${name}. Restart the helper.`,
    });
  }
  if (hello?.['type'] !== 'hello')
    findings.push({
      code: 'PIPE_PROTOCOL',
      message: `the program that serves ${name} does not send hello: it is not the helper.`,
    });
  const { helper, programs, first_seq, last_seq, boot_id } = hello ?? {};
  return { title: 'pipe', facts: { name, sddl, helper, programs, boot_id, first_seq, last_seq }, findings };
}
