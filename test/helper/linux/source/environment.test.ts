import test from 'ava';
import * as fc from 'fast-check';
import { EnvironmentPicker } from '../../../../helper/linux/source/environment.ts';
import * as limits from '../../../../helper/limits.ts';
import type { ExecEvent } from '../../../../shared/events/exec.ts';
import { eventOf, execLines } from '../../../support/exec-lines.ts';
import { FakeKernel } from '../../../support/fake-kernel.ts';
import { Sensor } from '../../../support/sensor.ts';
import { argsOf, execRecord, moreRecord } from '../../../support/exec-record.ts';

type Picked = Pick<ExecEvent, 'env' | 'env_repeated' | 'env_truncated' | 'raw'>;

/** The variables that are picked out of the block, which lies somewhere in larger memory. */
function pick(names: readonly string[], block: Buffer, cut = false): Picked {
  const memory = Buffer.concat([
    Buffer.from('LD_PRELOAD=before\0A=before\0'),
    block,
    Buffer.from('A=behind\0LD_PRELOAD=x\0'),
  ]);
  const start = 27;
  const { text, raw } = new EnvironmentPicker(names).pick(memory, start, start + block.length, cut);
  return { ...(JSON.parse(`{${text.slice(1)}}`) as Picked), ...(raw === undefined ? {} : { raw: { ...raw } }) };
}

test('only whole names count, at the beginning of a variable', (t) => {
  const block = argsOf('BA=1', 'AB=2', 'A', 'X=\nA=3', 'X= A=4', 'a=5', '=A=6', 'A=7=8', 'B=A=9');
  t.deepEqual(pick(['A'], block), { env: { A: '7=8' } });
  t.deepEqual(pick(['A', 'BA', 'B'], block), { env: { BA: '1', A: '7=8', B: 'A=9' } });
  t.deepEqual(pick(['B', 'AB', 'X'], block).env, { AB: '2', X: '\nA=3', B: 'A=9' });
  t.deepEqual(pick(['A'], Buffer.from('A=unfinished')), { env: { A: 'unfinished' } });
  t.deepEqual(pick(['A'], Buffer.alloc(0)), {});
  t.deepEqual(pick(['A'], Buffer.from('\0\0\0')), {});
  t.deepEqual(pick([], block), {}, 'without names nothing is told');
});

test('names that objects have are names like others', (t) => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
  const { env, env_repeated: repeated } = pick(names, argsOf(...names.map((name) => `${name}=1`), '__proto__=2'));
  t.deepEqual(
    Object.entries(env ?? {}),
    names.map((name) => [name, '1']),
  );
  t.deepEqual(Object.entries(repeated ?? {}), [['__proto__', ['2']]]);
});

test('a part of an environment says so, whatever is found in it', (t) => {
  t.deepEqual(pick(['A'], argsOf('A=1'), true), { env: { A: '1' }, env_truncated: true });
  t.deepEqual(pick(['A'], argsOf('B=1'), true), { env_truncated: true });
  t.deepEqual(pick([], argsOf('B=1'), true), {});
});

test('values and their number have a bound, beyond which the event says so', (t) => {
  const { MAX_ENV_VALUES, MAX_ENV_VALUE_BYTES } = limits;
  const many = Array.from({ length: MAX_ENV_VALUES }, (_, i) => `A=${i}`);
  const all = pick(['A', 'B'], argsOf(...many));
  t.is(all.env_truncated, undefined);
  t.deepEqual(all.env_repeated?.['A']?.length, MAX_ENV_VALUES - 1);
  const more = pick(['A', 'B'], argsOf(...many, 'A=more', 'B=more'));
  t.deepEqual(more, { ...all, env_truncated: true });
  t.deepEqual(pick(['A', 'B'], argsOf('B=first', ...many)).env, { B: 'first', A: '0' });

  t.is(pick(['A'], argsOf(`A=${'x'.repeat(MAX_ENV_VALUE_BYTES)}`)).env_truncated, undefined);
  for (const letter of ['x', 'é', '日', '\u{1f600}']) {
    for (const before of ['', 'a', 'ab', 'abc']) {
      const value = before + letter.repeat(MAX_ENV_VALUE_BYTES + 1);
      const { env, env_truncated: cut, raw } = pick(['A'], argsOf(`A=${value}`));
      t.true(cut);
      t.is(raw, undefined, 'no character is parted');
      const kept = env?.['A'] ?? '';
      t.true(value.startsWith(kept) && Buffer.byteLength(kept) > MAX_ENV_VALUE_BYTES - 4, `${kept.length}`);
      t.true(Buffer.byteLength(kept) <= MAX_ENV_VALUE_BYTES);
    }
  }
});

/** The variables that the picker should find, by taking the environment apart. */
function expected(names: readonly string[], variables: readonly string[]): Picked {
  const env: Record<string, string> = {};
  const repeated: Record<string, string[]> = {};
  for (const variable of variables) {
    const [name = ''] = variable.split('=');
    if (!names.includes(name) || !variable.includes('=')) continue;
    const value = variable.slice(name.length + 1);
    if (name in env) (repeated[name] ??= []).push(value);
    else env[name] = value;
  }
  return {
    ...(Object.keys(env).length === 0 ? {} : { env }),
    ...(Object.keys(repeated).length === 0 ? {} : { env_repeated: repeated }),
  };
}

test('what was told before is told the same, and something else is not taken for it', (t) => {
  const picker = new EnvironmentPicker(['A', 'B']);
  const read = (block: Buffer, cut = false): string => {
    const { text, raw } = picker.pick(block, 0, block.length, cut);
    return text + (raw === undefined ? '' : JSON.stringify(raw));
  };
  const bytes = Buffer.concat([Buffer.from('A='), Buffer.from([0xff, 0])]);
  const blocks: [Buffer, boolean?][] = [
    [argsOf('A=1', 'B=2')],
    [argsOf('B=2', 'A=1')],
    [argsOf('A=1B=2')],
    [argsOf('A=1', 'A=2')],
    [argsOf('A=1', 'B=2'), true],
    [argsOf('cutA=1', 'B=2')],
    [argsOf('A=\u00ff')],
    [bytes],
    [argsOf(`A=${'x'.repeat(limits.ENVIRONMENT_CACHE_BYTES)}`)],
  ];
  const first = blocks.map(([block, cut]) => read(block, cut));
  t.is(new Set(first).size, blocks.length);
  for (let i = 0; i < limits.ENVIRONMENT_CACHE_ENTRIES * 2 + 5; i++) read(argsOf(`A=fill${i}`));
  t.deepEqual(
    blocks.map(([block, cut]) => read(block, cut)),
    first,
  );
});

test('whatever was told before, an environment is told as by a reader without memory, whether it is cut or not', (t) => {
  // Names that are parts of each other, and the words that a key could be made of.
  const names = ['A', 'AA', 'cut', 'cutA', '1', '1A', 'trueA'];
  const picker = new EnvironmentPicker(names);
  const told = ({ text, raw }: { text: string; raw: unknown }): string => text + JSON.stringify(raw);
  const variable = fc
    .tuple(fc.constantFrom(...names), fc.constantFrom('', '1', 'A=1', 'cut', '\u00ff'))
    .map(([name, value]) => `${name}=${value}`);
  fc.assert(
    fc.property(fc.array(variable, { maxLength: 3 }), fc.boolean(), (variables, cut) => {
      const block = Buffer.from(variables.map((one) => `${one}\0`).join(''), 'latin1');
      const fresh = new EnvironmentPicker(names).pick(block, 0, block.length, cut);
      t.is(told(picker.pick(block, 0, block.length, cut)), told(fresh), `${variables.join()} ${cut}`);
    }),
    { numRuns: 3000 },
  );
});

test('any environment gives what taking it apart gives, and nothing that is not listed', (t) => {
  const name = fc.constantFrom('A', 'B', 'AB', 'BA', 'A1', '', '\nA', 'LD_PRELOAD');
  const value = fc.oneof(fc.constantFrom('', '=', 'A=1', '\nA=1', '"', '\\'), fc.string());
  const variable = fc.oneof(
    fc.tuple(name, value).map(([one, other]) => `${one}=${other}`),
    name,
  );
  const clean = variable.map((text) => text.replaceAll('\0', ''));
  const listed = fc.uniqueArray(fc.constantFrom('A', 'B', 'AB', 'LD_PRELOAD'));
  fc.assert(
    fc.property(listed, fc.array(clean, { maxLength: 30 }), (names, variables) => {
      // A lone surrogate has no bytes of its own.
      const texts = variables.map((text) => Buffer.from(text).toString());
      const picked = pick(names, argsOf(...texts));
      t.deepEqual(picked, expected(names, texts));
      t.deepEqual(Object.keys(picked.env ?? {}), Object.keys(expected(names, texts).env ?? {}), 'in its order');
    }),
    { numRuns: 2000 },
  );
});

const LINES = (names: readonly string[]) => execLines(names);

test('a line that has little room loses its environment before its arguments, and says so', (t) => {
  const env = argsOf(`A=${'x'.repeat(3000)}`);
  const args = argsOf('npm', 'y'.repeat(6000));
  const whole = eventOf({ args, env }, { room: 40_000 }, LINES(['A'])) as ExecEvent;
  t.is(whole.env?.['A']?.length, 3000);
  t.is(whole.argv_truncated, undefined);
  const tight = eventOf({ args, env }, { room: 11_000 }, LINES(['A'])) as ExecEvent;
  t.is(tight.env, undefined);
  t.true(tight.env_truncated);
  t.true(tight.argv_truncated, 'both copies of the arguments are too long for it');
  const bytes = Buffer.concat([Buffer.from('A='), Buffer.alloc(3000, 0xff), Buffer.from([0])]);
  const raw = eventOf({ env: bytes }, { room: 12_000 }, LINES(['A'])) as ExecEvent;
  t.is(raw.raw, undefined, 'with it goes what raw has of it');
  t.true(raw.env_truncated);
});

test('events of other kinds have no environment', (t) => {
  const env = argsOf('A=1');
  t.deepEqual((eventOf({ env }, {}, LINES(['A'])) as ExecEvent).env, { A: '1' });
  for (const kind of [1, 3]) t.is((eventOf({ env, kind }, {}, LINES(['A'])) as ExecEvent).env, undefined);
});

/** A sensor with names, and a probe that sends what it is told to. */
function sensorOf(env: readonly string[]) {
  const kernel = new FakeKernel({ cpus: 1 });
  const sensor = new Sensor(kernel, 1 << 20, env);
  const number = (): number => kernel.increment(0, 'events');
  return { kernel, sensor, number };
}
const last = (sensor: Sensor): ExecEvent => sensor.events.at(-1) as ExecEvent;

test('arguments and environment that go on in further records are joined, whichever comes first', (t) => {
  for (const order of [
    ['args', 'args', 'env', 'env'],
    ['env', 'args', 'env', 'args'],
  ]) {
    const { kernel, sensor, number } = sensorOf(['A', 'B']);
    const n = number();
    kernel.output(
      execRecord({ number: n, args: Buffer.from('np'), argvBytes: 12, env: Buffer.from('X=1\0A='), envTotal: 16 }),
    );
    const rest = {
      args: [
        moreRecord({ number: n, offset: 2, args: Buffer.from('m\0ins') }),
        moreRecord({ number: n, offset: 7, args: Buffer.from('tall\0') }),
      ],
      env: [
        moreRecord({ number: n, offset: 6, env: Buffer.from('2\0B=3') }),
        moreRecord({ number: n, offset: 11, env: Buffer.from('\0C=4\0') }),
      ],
    };
    for (const which of order as ('args' | 'env')[]) {
      sensor.drain();
      t.is(sensor.events.length, 0, 'not before it is whole');
      kernel.output(rest[which].shift() as Buffer);
    }
    sensor.drain();
    t.deepEqual(last(sensor).argv, ['npm', 'install']);
    t.deepEqual(last(sensor).env, { A: '2', B: '3' });
    t.is(last(sensor).env_truncated, undefined);
    t.is(last(sensor).argv_truncated, undefined);
  }
});

test('an environment that breaks off is cut, not the arguments; the event is not lost', (t) => {
  const { kernel, sensor, number } = sensorOf(['A']);
  const n = number();
  kernel.output(execRecord({ number: n, pid: 1, env: Buffer.from('A=1\0B'), envTotal: 100 }));
  kernel.output(moreRecord({ number: n, offset: 9, env: Buffer.from('A=lost\0') }));
  kernel.output(execRecord({ number: number(), pid: 2 }));
  sensor.drain();
  t.is(sensor.summary(), '1~ 2');
  t.deepEqual((sensor.events[0] as ExecEvent).env, { A: '1' });
});

test('no environment at all in the record itself is waited for', (t) => {
  const { kernel, sensor, number } = sensorOf(['A']);
  const n = number();
  kernel.output(execRecord({ number: n, env: Buffer.alloc(0), envTotal: 4 }));
  sensor.drain();
  t.is(sensor.events.length, 0);
  kernel.output(moreRecord({ number: n, offset: 0, env: argsOf('A=1') }));
  sensor.drain();
  t.deepEqual(last(sensor).env, { A: '1' });
});

test('a successor without names waits for no environment and tells none; one with other names tells those', (t) => {
  const { kernel, sensor, number } = sensorOf(['A']);
  const block = argsOf('A=1', 'B=2', 'C=3');
  const begin = (pid: number): number => {
    const n = number();
    kernel.output(execRecord({ number: n, pid, env: block.subarray(0, 3), envTotal: block.length }));
    return n;
  };
  const n = begin(1);
  sensor.drain();
  sensor.env = [];
  sensor.start();
  sensor.drain();
  t.is(sensor.summary(), '1');
  t.is(last(sensor).env, undefined);
  kernel.output(moreRecord({ number: n, offset: 3, env: block.subarray(3) }));
  sensor.drain();
  t.is(sensor.summary(), '1');

  const m = begin(2);
  sensor.env = ['C', 'B'];
  sensor.start();
  kernel.output(moreRecord({ number: m, offset: 3, env: block.subarray(3) }));
  sensor.drain();
  t.deepEqual(last(sensor).env, { B: '2', C: '3' });
});

test('an environment of the most that the probe sends is searched in little time, however often a name stands in it', (t) => {
  const names = Array.from({ length: limits.MAX_ENV_NAMES }, (_, i) => `V${i}`);
  const block = Buffer.from('V0=\0'.repeat(65_536));
  const picked = pick(names, block);
  t.true(picked.env_truncated);
  t.is(picked.env_repeated?.['V0']?.length, limits.MAX_ENV_VALUES - 1);
});
