import test from 'ava';
import { findingLines } from '../../../agent/screens/doctor-screen.ts';
import { widthOf } from '../../../agent/terminal/columns.ts';
import { paintNothing } from '../../../agent/terminal/paint.ts';

test('verdict, what was looked at, what was found; the next step below', (t) => {
  const finding = {
    check: 'group',
    verdict: 'problem' as const,
    says: "the agent's user, probes-agent, may not connect to the socket of the helper",
    advice: 'usermod -aG probes probes-agent',
  };
  t.deepEqual(findingLines(finding, 60, paintNothing), [
    "PROBLEM group          the agent's user, probes-agent, may",
    '                       not connect to the socket of the',
    '                       helper',
    '                       > usermod -aG probes probes-agent',
  ]);
});

for (const columns of [40, 80, 200])
  test(`lines fit ${columns} columns, whatever they hold`, (t) => {
    for (const says of ['x'.repeat(500), '漢字'.repeat(100), 'a '.repeat(200), '\u001b[2J\u202e\u0007\r\nb', ''])
      for (const check of ['disk', `output ${'n'.repeat(60)}`.slice(0, 30)])
        for (const line of findingLines({ check, verdict: 'warning', says, advice: says }, columns, paintNothing)) {
          t.true(widthOf(line) <= columns, line);
          t.notRegex(line, /\p{Cc}|\p{Cf}/u);
        }
  });
