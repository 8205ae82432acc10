// AVA's configuration for the tests that run under Wine.
import packageJson from '../../package.json' with { type: 'json' };

export default {
  ...packageJson.ava,
  files: ['test/windows/*.windows.ts'],
  timeout: '8m',
  // What comes after builds on what was before.
  failFast: true,
};
