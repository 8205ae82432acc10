import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { CanaryProgram } from './child/canary.ts';
import { forwardChild } from './child/forward.ts';
import { parseChildHandoff } from './child/handoff.ts';
import { watchOver } from './child/watch-over.ts';
import type { RunOptions } from '../command-line.ts';
import { HelperError } from '../errors.ts';
import { loadKoffi } from '../koffi.ts';
import { locateInstallation, trustedInstallation } from '../installation.ts';
import { listen } from '../unix/listen.ts';
import { leaveEnvironment } from '../unix/environment.ts';
import { requireTrusted } from '../unix/trusted-files.ts';
import { findGroupId, findUserId } from './accounts.ts';
import { chooseSource, CSR_ALLOW_UNRESTRICTED_DTRACE, DTRACE, ESLOGGER } from './choose-source.ts';
import { macHost } from './host.ts';

const CANARY: CanaryProgram = { path: '/usr/bin/true', args: [] };

/**
 * The privileged stage, from top to bottom. dtrace and eslogger need root as long as they run, so unlike on Linux one
 * process stays root: the one that started them. It reads none of their output. @throws {HelperError}
 */
export function run(options: RunOptions): void {
  if (process.geteuid?.() !== 0)
    throw new HelperError('HELPER_NOT_ROOT', 'tracing needs root. Start it with sudo, or as a launch daemon.');

  // 1. Before loading the addon, check that only root can change the files that decide what runs here.
  const installation = trustedInstallation(locateInstallation('darwin'), requireTrusted);
  leaveEnvironment(installation.command);

  const uid = findUserId(options.user);
  const group = findGroupId(options.group);
  const host = macHost(loadKoffi(installation.addon));

  // 2. The tracer, checked like our own files.
  const isDtraceFree = host.libc.csr_check(CSR_ALLOW_UNRESTRICTED_DTRACE) === 0;
  const { source, limits } = chooseSource(options, { isDtraceFree, hasEslogger: existsSync(ESLOGGER) });
  const executable = requireTrusted(source === 'dtrace' ? DTRACE : ESLOGGER);
  const args = source === 'dtrace' ? ['-s', installation.probe, options.failures ? '1' : '0'] : ['exec'];

  // 3. The pipe before the tracer: if another helper runs, nothing traces yet.
  const { fd: listener } = listen(host.sockets, options.socket, group);

  // 4. Everything that reads data influenced by others runs without root.
  watchOver(host, {
    program: { path: executable, args },
    command: installation.command,
    listener,
    handoff: {
      source,
      sha256: createHash('sha256')
        .update(readFileSync(source === 'dtrace' ? installation.probe : executable))
        .digest('hex'),
      limits,
      env: options.env,
      backlogBytes: options.backlogBytes,
      uid,
      gid: group,
      group,
    },
  });
}

/** The forwarding process: without root from its first instruction on. @throws {HelperError} */
export function forward(handoff: string | undefined): void {
  const parsed = parseChildHandoff(handoff);
  forwardChild(macHost(loadKoffi(locateInstallation('darwin').addon)), parsed, CANARY);
}
