// AVA's configuration for every run that `npm run` starts; `npx ava FILE` reads package.json alone.
import packageJson from '../../package.json' with { type: 'json' };

// Nobody reads the report any more: end as for Ctrl-C, test processes included.
process.on('disconnect', () => process.kill(process.pid, 'SIGINT'));
// Waiting for that must not keep AVA from ending.
process.channel?.unref();

// AVA's TAP reporter takes for granted that an error comes from a test process, as its `originalError`. For a test that
// hangs, or that ends its process, the reporter makes the error itself; without this it crashes then.
// oxlint-disable-next-line no-extend-native
Object.defineProperty(Error.prototype, 'originalError', {
  get(this: Error) {
    return this;
  },
});

export default {
  ...packageJson.ava,
  // A record of failed tests in node_modules, which emulated machines cannot write to, and nobody reads.
  cache: false,
  files: [
    'test/**/*.test.ts',
    'test/kernels/*.kernel.ts',
    'test/windows/*.windows.ts',
    'test/receivers/*.receiver.ts',
    'test/ansible/*.ansible.ts',
  ],
  require: ['./test/run/worker.ts'],
};
