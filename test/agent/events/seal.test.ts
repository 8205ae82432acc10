import test from 'ava';
import { arithmeticFault, SEAL_EXAMPLE, SEAL_REASONS, sealOf, type SealReason } from '../../../agent/events/seal.ts';

test('a seal is returned as it is, with fields that are not known', (t) => {
  const seal = { ...SEAL_EXAMPLE, host_id: 'a', seal: 7, later: true };
  t.is(sealOf(seal), seal);
});

test('every reason is one', (t) => {
  const reasons: readonly SealReason[] = SEAL_REASONS;
  for (const reason of reasons) t.is(sealOf({ ...SEAL_EXAMPLE, reason }).reason, reason);
});

for (const value of [undefined, null, 7, 'seal', [], {}, { ...SEAL_EXAMPLE, type: 'gap' }])
  test(`no seal: ${JSON.stringify(value)?.slice(0, 40)}`, (t) => {
    t.throws(() => sealOf(value), { message: 'a seal is a JSON object of type seal' });
  });

for (const [field, value, expected] of [
  ['from', -1, 'a whole number from 0'],
  ['to', 2 ** 60, 'a whole number from 0'],
  ['sum', '8', 'a whole number from 0'],
  ['prev', 'A'.repeat(64), 'a SHA-256 in lower-case hexadecimal'],
  ['time', 'yesterday', 'an RFC 3339 time in UTC'],
  ['reason', 'mood', 'one of numbers, time, idle, reload, stop, boot, probe'],
] as const)
  test(`a field that cannot be is named: ${field} ${value}`, (t) => {
    t.throws(() => sealOf({ ...SEAL_EXAMPLE, [field]: value }), { message: `seal.${field}: expected ${expected}` });
  });

test('a field that is missing is named, unless it may be', (t) => {
  const { sent: _, ...withoutSent } = SEAL_EXAMPLE;
  t.throws(() => sealOf(withoutSent), { message: 'seal.sent: missing' });
  const { prev: __, kernel_count: ___, rules_sha256: ____, ...first } = SEAL_EXAMPLE;
  t.notThrows(() => sealOf(first));
});

test('counts that do not add up are named', (t) => {
  t.is(arithmeticFault(SEAL_EXAMPLE), undefined);
  const idle = { ...SEAL_EXAMPLE, from: 8, to: 7, sent: 0, filtered: 0, gap: 0, lines: 0 };
  t.is(arithmeticFault(idle), undefined);
  t.is(arithmeticFault({ ...idle, to: 6 }), 'to is 6, less than from - 1, which is 7');
  t.is(arithmeticFault({ ...idle, gap: 1 }), 'sent + filtered + gap is 1, and to - from + 1 is 0');
  t.is(arithmeticFault({ ...SEAL_EXAMPLE, lines: 3999 }), 'lines is 3999, less than sent, which is 4000');
});
