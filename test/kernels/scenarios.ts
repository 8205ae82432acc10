import type { LinuxArchitecture } from '../../installers/linux/payload.ts';

/** One boot of each kernel: how it is booted, and the tests that run there. */
export interface Scenario {
  readonly name: string;
  readonly kernelArguments: string;
  readonly cgroup: 'v1' | 'v2';
  readonly files: readonly string[];
  /** AVA's patterns for titles; "!" leaves out. */
  readonly match: readonly string[];
  readonly seconds: number;
  /** The only architecture that it is for; by default it is for all. */
  readonly architecture?: LinuxArchitecture;
}

/** Tests that do not depend on the kernel, or that repeat another one at length. */
const LEFT_OUT = [
  'every thread of the source helper*',
  'what the helper refuses is one line*',
  'files that others can write are refused*',
  'clients past the limit*',
  'a backlog that overflows*',
  'a client that does not read*',
  'a new client gets everything*',
  'arguments that grow in JSON*',
  'who is connected, who wrote*',
  'a wider socket mode*',
  'a socket folder that everyone*',
  'a folder above the binary*',
  "another socket in the place of the helper's*",
  'privilege that is left*',
  'without a helper, and without root*',
];

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'tests',
    kernelArguments: '',
    cgroup: 'v2',
    files: [
      'test/kernels/start.kernel.ts',
      'test/integration/exec-event.test.ts',
      'test/integration/evasion.test.ts',
      'test/integration/long-arguments.test.ts',
      'test/integration/failures.test.ts',
      'test/integration/environment.test.ts',
      'test/integration/forks.test.ts',
      'test/integration/exits.test.ts',
      'test/integration/snapshot.test.ts',
      'test/integration/pipe.test.ts',
      'test/integration/wake-up.test.ts',
      'test/integration/restart.test.ts',
      'test/integration/sandbox.test.ts',
      'test/integration/audit.test.ts',
    ],
    match: LEFT_OUT.map((title) => `!${title}`),
    seconds: 3600,
  },
  {
    // The agent knows no kernel. This is for the processor, and for the programs as they were built.
    name: 'agent',
    architecture: 'arm64',
    kernelArguments: '',
    cgroup: 'v2',
    files: ['test/integration/agent.test.ts', 'test/integration/detection.test.ts', 'test/integration/looking.test.ts'],
    match: [],
    seconds: 1800,
  },
  {
    name: 'control groups v1',
    kernelArguments: '',
    cgroup: 'v1',
    files: ['test/integration/exec-event.test.ts'],
    match: ['*control group*'],
    seconds: 600,
  },
  {
    name: 'locked down',
    kernelArguments: 'lockdown=confidentiality',
    cgroup: 'v2',
    files: ['test/kernels/lockdown.kernel.ts'],
    match: [],
    seconds: 600,
  },
];
