// Run by test/kernels/run.ts on kernels that were booted with lockdown=confidentiality.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { EXIT_CODES } from '../../helper/errors.ts';
import { CLIENT_GID, HELPER_UID, runHelper } from '../support/helper-process.ts';

test('a kernel that is locked down for confidentiality refuses the probe, and one line says why', async (t) => {
  t.regex(readFileSync('/sys/kernel/security/lockdown', 'latin1'), /\[confidentiality\]/);
  const { code, stderr } = await runHelper([
    'run',
    '--socket',
    '/run/probes-lockdown/events.sock',
    '--user',
    String(HELPER_UID),
    '--group',
    String(CLIENT_GID),
  ]);
  t.log(stderr.trim());
  t.is(code, EXIT_CODES.HELPER_PROBE_REFUSED);
  t.regex(stderr, /^probes-helper [\d.]+: HELPER_PROBE_REFUSED: .*locked down for confidentiality.*\n$/);
});
