// AVA's configuration inside a test machine.
import packageJson from '../../package.json' with { type: 'json' };

export default {
  ...packageJson.ava,
  files: ['test/integration/*.test.ts', 'test/kernels/*.kernel.ts'],
  // The machine has a limit of its own; AVA's TAP reporter fails on timeouts.
  timeout: '2h',
};
