import test from 'ava';
import * as fc from 'fast-check';
import { ExecShape } from '../../../agent/source/exec-shape.ts';
import { KIND } from '../../../helper/linux/source/record.ts';
import { EXEC_EXAMPLE, EXEC_FIELDS, type ExecEvent } from '../../../shared/events/exec.ts';
import { parseEvent } from '../../../shared/events/parse.ts';
import { lineOf } from '../../support/exec-lines.ts';
import { argsOf } from '../../support/exec-record.ts';

const shape = new ExecShape();
const latin1 = (text: string): string => Buffer.from(text).toString('latin1');

/** The number of a line that fits from beginning to end, else undefined. */
function seqOf(line: string): number | undefined {
  const text = latin1(line);
  return shape.fits(`before\n${text}`, 7) && shape.end === text.length + 7 ? shape.seq : undefined;
}

test('what the helper writes has the shape', (t) => {
  const lines = [
    lineOf({}, { seq: 123_456_789_012_345 }),
    lineOf({ kind: KIND.snapshot }),
    lineOf({ args: argsOf('sh', '-c', 'echo "a\\b"\n\t\x01', '', 'Übung 日本 \u{1f600}') }),
    lineOf({ exe: undefined, parentExe: undefined, ppid: 0, flags: 0xffff }),
    lineOf({ ns: [1, 2, 3, 4, 5, 6, 7], cgroup: `docker-${'0123456789abcdef'.repeat(4)}.scope` }),
    lineOf({}, { cut: true }),
    `${JSON.stringify(EXEC_EXAMPLE)}\n`,
  ];
  for (const line of lines) t.is(seqOf(line), (JSON.parse(line) as ExecEvent).seq, line);
});

test('a line with every field that an exec event can have fits, but for the rare `raw`', (t) => {
  const { flags, parent, source, ...rest } = EXEC_EXAMPLE;
  const text = JSON.stringify({ ...rest, container_id: 'c', ns: { mnt: 1 }, flags, parent, source });
  const line = text
    .replace(
      ',"session_id":',
      ',"user_sid":"S-1-5-18","logon_id":"0x3e7","integrity_level":"system","elevated":true,"session_id":',
    )
    .replace(',"cwd":', ',"argv_truncated":true,"command_line":"a b","command_source":"etw","cwd":');
  t.deepEqual(
    Object.keys(JSON.parse(line) as object).toSorted(),
    Object.keys(EXEC_FIELDS)
      .filter((name) => name !== 'raw')
      .toSorted(),
  );
  t.is(seqOf(`${line}\n`), EXEC_EXAMPLE.seq);
  t.is(seqOf(`${line.replace(',"cwd":', ',"raw":{"cwd":"/w=="},"cwd":')}\n`), undefined);
});

const LINE = lineOf({ args: argsOf('a', '"quoted"', 'é'), ns: [1, 2, 3, 4, 5, 6, 7] }, { seq: 77 });

test('what has the shape is an event with that number, whatever was done to the line', (t) => {
  const edit = fc.record({
    at: fc.nat(LINE.length - 2),
    remove: fc.nat(6),
    insert: fc.oneof(
      fc.constantFrom(
        '"',
        '\\',
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '0',
        '-',
        '.',
        'e',
        '\\u00',
        '\x00',
        '\t',
        'true',
        '"pid":1,',
      ),
      fc.string({ maxLength: 4 }),
    ),
  });
  let fitted = 0;
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
      let line = LINE.slice(0, -1);
      for (const { at, remove, insert } of edits) line = line.slice(0, at) + insert + line.slice(at + remove);
      const seq = seqOf(`${line}\n`);
      if (seq === undefined) return;
      fitted++;
      const event = parseEvent(Buffer.from(line).toString()) as ExecEvent;
      t.is(event.type, 'exec');
      t.is(event.seq, seq);
    }),
    { numRuns: 20_000 },
  );
  t.true(fitted > 100, `${fitted} of the changed lines have the shape`);
});

for (const [what, line] of Object.entries({
  'a control character in a string': LINE.replace('"a"', '"\x01"'),
  'an unknown escape': LINE.replace('"a"', '"\\x"'),
  'a number with a leading zero': LINE.replace('"seq":77', '"seq":077'),
  'a negative number': LINE.replace('"seq":77', '"seq":-7'),
  'a number too large to be exact': LINE.replace('"seq":77', '"seq":9007199254740993'),
  'an impossible time': LINE.replace('T', ' '),
  'another type': LINE.replace('"exec"', '"gap"'),
  'a space': LINE.replace('":', '": '),
  'no newline': LINE.slice(0, -1),
  'more behind it': LINE.replace('}\n', '} \n'),
  'two objects in a line': LINE.replace('\n', LINE),
})) {
  test(`${what} does not have the shape`, (t) => {
    t.is(seqOf(line), undefined);
  });
}

test('text that almost fits and is long is refused in time', (t) => {
  const started = performance.now();
  for (const filler of ['x', '\\\\', '","', '\\u0041']) {
    t.is(seqOf(LINE.replace('"a"', `"${filler.repeat(40_000)}"`).replace('"source"', '"sauce"')), undefined);
  }
  t.true(performance.now() - started < 5000);
});
