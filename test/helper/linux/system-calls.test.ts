import test from 'ava';

import { SECCOMP } from '../../../helper/linux/filter.ts';
import { PRLIMIT } from '../../../helper/linux/forward/resources.ts';
import { ALLOWED, AT_START } from '../../../helper/linux/forward/seccomp.ts';
import { IO_URING } from '../../../helper/linux/confine/io-uring.ts';
import { LANDLOCK } from '../../../helper/linux/confine/landlock.ts';
import { run } from '../../../installers/tools/run.ts';
import { SYSTEM_CALLS } from '../../support/system-calls.ts';

const ARCHITECTURES = ['x64', 'arm64'] as const;

/** The kernel's headers with its numbers. 64-bit ARM takes the generic ones, with what arch/arm64/include/uapi/asm/unistd.h asks for. */
const HEADERS = {
  x64: '#include <asm/unistd_64.h>',
  arm64: `#define __BITS_PER_LONG 64
#define __ARCH_WANT_RENAMEAT
#define __ARCH_WANT_NEW_STAT
#define __ARCH_WANT_SET_GET_RLIMIT
#define __ARCH_WANT_TIME32_SYSCALLS
#define __ARCH_WANT_SYS_CLONE3
#define __ARCH_WANT_MEMFD_SECRET
#include <asm-generic/unistd.h>`,
};

/** Every system call of an architecture, by name. */
function kernelNumbers(architecture: keyof typeof HEADERS): ReadonlyMap<string, number> {
  const text = run('sh', ['-c', 'printf "%s\\n" "$1" | gcc -E -dM -', 'sh', HEADERS[architecture]]);
  const defined = new Map(
    [...text.matchAll(/^#define __NR(\w*?)_(\w+) (\w+)$/gmu)].map(([, kind = '', name = '', value = '']) => [
      `__NR${kind}_${name}`,
      value,
    ]),
  );
  const numbers = [...defined].flatMap(([name, value]) => {
    const number = Number(defined.get(value) ?? value);
    return name.startsWith('__NR_') && Number.isInteger(number) ? [[name.slice('__NR_'.length), number] as const] : [];
  });
  return new Map(numbers);
}

/** Every system call that the helper's filters, or a test inside the helper, name by number. */
const NAMED: ReadonlyArray<readonly [name: string, x64: number, arm64: number]> = [
  ...[...ALLOWED, ...AT_START].map(([name, x64, arm64]) => [name, x64, arm64] as const),
  ...Object.entries(SYSTEM_CALLS).map(([name, [x64, arm64]]) => [name, x64, arm64] as const),
];

for (const [column, architecture] of ARCHITECTURES.entries()) {
  test(`${architecture}: every number of a system call is the kernel's, and a call without one does not exist there`, (t) => {
    const kernel = kernelNumbers(architecture);
    t.true(kernel.size > 300, `${kernel.size} calls`);
    for (const [name, ...numbers] of NAMED) t.is(numbers[column], kernel.get(name) ?? -1, name);
    t.is(SECCOMP[architecture], kernel.get('seccomp'));
    t.is(PRLIMIT[architecture], kernel.get('prlimit64'));
    const names = ['io_uring_setup', 'io_uring_enter', 'io_uring_register'];
    t.deepEqual(IO_URING, names.map((name) => kernel.get(name)) as number[]);
    t.deepEqual(
      Object.values(LANDLOCK),
      ['create_ruleset', 'add_rule', 'restrict_self'].map((name) => kernel.get(`landlock_${name}`)) as number[],
    );
  });
}
