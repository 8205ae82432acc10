// AVA's configuration for every run that `npm run` starts; `npx ava FILE` reads package.json alone.
import packageJson from '../../package.json' with { type: 'json' };

// Nobody reads the report any more: end as for Ctrl-C, test processes included.
process.on('disconnect', () => process.kill(process.pid, 'SIGINT'));
// Waiting for that must not keep AVA from ending.
process.channel?.unref();

export default {
  ...packageJson.ava,
  files: ['test/**/*.test.ts', 'test/kernels/*.kernel.ts', 'test/windows/*.windows.ts'],
  require: ['./test/run/worker.ts'],
  // runAva() has a limit of its own. AVA's TAP reporter crashes on a timeout, and AVA forgets its limit once it has
  // passed while a test with t.timeout() ran.
  timeout: '12h',
};
