// AVA's configuration inside a test machine.
import packageJson from '../../package.json' with { type: 'json' };

export default {
  ...packageJson.ava,
  files: ['test/integration/*.test.ts', 'test/kernels/*.kernel.ts'],
  // Without a test that ends. Starting one file takes up to a minute where all is emulated.
  timeout: '8m',
};
