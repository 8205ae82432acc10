import { existsSync, readdirSync } from 'node:fs';
import test from 'ava';
import * as fc from 'fast-check';
import { HelperError } from '../../../../helper/errors.ts';
import { parseHandoff, type Handoff } from '../../../../helper/linux/handoff.ts';
import { handOff } from '../../../../helper/linux/root/handoff.ts';
import type { Libc } from '../../../../helper/linux/libc.ts';
import type { Installation } from '../../../../helper/installation.ts';

const HANDOFF = {
  probe: {
    baseline: { skipped: 0, recovered: 0 },
    ring: 10,
    ringBytes: 65536,
    counters: 11,
    cpus: 2,
    backlog: 12,
    backlogBytes: 1048576,
    links: [13, 14],
    programs: { on_exec: 15 },
    env: ['LD_PRELOAD'],
    sha256: '0123456789abcdef'.repeat(4),
  },
  listener: 20,
  locks: [21, 22],
  uid: 991,
  gid: 992,
  group: 993,
  landlock: 7,
} as unknown as Handoff;

test('what is handed over arrives', (t) => {
  t.deepEqual(parseHandoff(JSON.stringify(HANDOFF)), HANDOFF);
});

test('anything else is refused as a command that nobody should type', (t) => {
  for (const text of [undefined, '', 'x', 'null', '1', '"x"', '[]', '{}', '{"probe":null}', '{"probe":{}}']) {
    const error = t.throws(() => parseHandoff(text), { instanceOf: HelperError }, String(text));
    t.is(error.code, 'HELPER_HANDOFF');
  }
});

test('a number that is missing, negative, broken or text is refused, whichever it is', (t) => {
  const refuse = (value: unknown, why: string): void => {
    t.is(t.throws(() => parseHandoff(JSON.stringify(value)), { instanceOf: HelperError }, why).code, 'HELPER_HANDOFF');
  };
  for (const wrong of [undefined, null, -1, 1.5, '10', 2 ** 53]) {
    for (const name of ['listener', 'uid', 'gid', 'group']) refuse({ ...HANDOFF, [name]: wrong }, name);
    for (const name of ['ring', 'ringBytes', 'counters', 'cpus', 'backlog', 'backlogBytes'])
      refuse({ ...HANDOFF, probe: { ...HANDOFF.probe, [name]: wrong } }, name);
    refuse({ ...HANDOFF, locks: [21, wrong ?? null] }, 'locks');
    refuse({ ...HANDOFF, probe: { ...HANDOFF.probe, links: [13, wrong ?? null] } }, 'links');
    refuse({ ...HANDOFF, probe: { ...HANDOFF.probe, programs: { on_exec: wrong ?? null } } }, 'programs');
  }
  refuse({ ...HANDOFF, locks: undefined }, 'locks');
  for (const env of [undefined, null, 'LD_PRELOAD', [1], [null]])
    refuse({ ...HANDOFF, probe: { ...HANDOFF.probe, env } }, 'env');
  refuse({ ...HANDOFF, probe: { ...HANDOFF.probe, links: 7 } }, 'links');
  for (const sha256 of [undefined, '', 'x'.repeat(64), 'A'.repeat(64), 'a'.repeat(65)])
    refuse({ ...HANDOFF, probe: { ...HANDOFF.probe, sha256 } }, 'sha256');
});

test('no text makes it throw anything but a HelperError', (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      try {
        parseHandoff(text);
      } catch (error) {
        t.true(error instanceof HelperError);
      }
    }),
  );
});

test('exactly the descriptors that are named stay open, in a fresh image with no variable of its caller', (t) => {
  const open = new Map<number, number>();
  const started: unknown[] = [];
  const libc = {
    fcntl: (fd: number, command: number, value: number) => {
      t.is(command, 2);
      open.set(fd, value);
      return 0;
    },
    execve: (...args: unknown[]) => {
      started.push(...args);
      return -1;
    },
    failure: () => new Error('EACCES'),
  } as unknown as Libc;
  const installation = { command: ['/opt/helper', '--flag'] } as unknown as Installation;
  const error = t.throws(() => handOff(libc, installation, HANDOFF), { instanceOf: HelperError });
  t.is(error.code, 'HELPER_HANDOFF');
  const kept = [...open].filter(([, value]) => value === 0).map(([fd]) => fd);
  t.deepEqual(
    kept.toSorted((a, b) => a - b),
    [0, 1, 2, 10, 11, 12, 13, 14, 15, 20, 21, 22],
  );
  for (const fd of readdirSync('/proc/self/fd').map(Number))
    t.true(open.has(fd) || !existsSync(`/proc/self/fd/${fd}`), `${fd} is neither kept nor closed`);
  const [path, argv, environment] = started as [string, (string | null)[], unknown[]];
  t.is(path, '/opt/helper');
  t.deepEqual([...argv.slice(0, 3), argv.at(-1)], ['/opt/helper', '--flag', 'forward', null]);
  t.deepEqual(parseHandoff(argv[3] as string), HANDOFF);
  t.is(environment.at(-1), null);
  for (const entry of environment.slice(0, -1))
    t.false(
      Object.entries(process.env).some(([name, value]) => entry === `${name}=${value}`),
      `${entry} was inherited`,
    );
});
