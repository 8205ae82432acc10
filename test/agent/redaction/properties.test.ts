import test from 'ava';
import fc from 'fast-check';
import type { StreamEvent } from '../../../agent/events/item.ts';
import { redactionSchema } from '../../../agent/redaction/config.ts';
import { Finder, OVER_BUDGET, Patterns } from '../../../agent/redaction/finder.ts';
import { REDACTED } from '../../../agent/redaction/in-text.ts';
import { MAX_STEPS } from '../../../agent/redaction/limits.ts';
import { NAME_TRIGGERS } from '../../../agent/redaction/names.ts';
import { redactEvent } from '../../../agent/redaction/redact-event.ts';
import { SHAPES } from '../../../agent/redaction/shapes.ts';
import { TOOLS } from '../../../agent/redaction/tools.ts';
import { LOOKED_AT, RARE, Triggers } from '../../../agent/redaction/triggers.ts';
import { EXEC_EXAMPLE, EXEC_FIELDS, type ExecEvent } from '../../../shared/events/exec.ts';
import { toItem } from '../support/items.ts';
import { WITH_SECRETS } from './command-lines.ts';

type Fields = Record<string, unknown>;

const PATTERNS = new Patterns(redactionSchema.parse({}));
const TRIGGERS = new Triggers(PATTERNS);
const redact = (event: object, patterns = PATTERNS, steps = MAX_STEPS) =>
  redactEvent(event as StreamEvent, patterns, steps);

/** Parts that mean something to one pattern or another, in any order. */
// prettier-ignore
const PARTS = [
  '--password', '-p', '-u', 'password=', 'TOKEN=', '--token=', ' ', '  ', '=', ':', '://', '@', '/', '"', "'", '\\', '&', ';', ',', '?', '#', '$(', ')', '`', '|', '\n',
  'Authorization: ', 'Cookie: ', 'X-Api-Key:', '{"secret":"', '"}', 'Bearer ', 'http://a:b@c', 'set', 'login', 'sudo', 'sh', '-c', '-H', REDACTED, 'pass:', 'env:', '%', 'é', '\ud800', '😀',
  'AKIAIOSFODNN7', 'EXAMPLE', 'eyJhbGciOiJI', '.eyJzdWIiOiIx.', '-----BEGIN PRIVATE KEY-----', '-----END PRIVATE KEY-----', `npm_${'a'.repeat(36)}`,
];
const part = fc.oneof(fc.constantFrom(...PARTS, ...[...TOOLS.keys()].slice(0, 20)), fc.string({ maxLength: 5 }));
const text = fc.array(part, { maxLength: 12 }).map((parts) => parts.join(''));
const argv = fc.array(fc.oneof(text, part), { minLength: 1, maxLength: 8 });

function eventOf(list: readonly string[], more: Fields = {}): ExecEvent {
  return { ...EXEC_EXAMPLE, exe: '/bin/x', filename: '/bin/x', argv: [...list], command: ['/bin/x', ...list.slice(1)].join(' '), ...more }; // prettier-ignore
}

test('only argv, command and the mark change; arguments keep their number and order; redacting again changes nothing', (t) => {
  fc.assert(
    fc.property(argv, (list) => {
      const event = eventOf(list);
      const redacted = redact(event)?.event as ExecEvent | undefined;
      if (redacted === undefined) return;
      t.is(redacted.argv!.length, list.length);
      for (const [i, fresh] of redacted.argv!.entries()) {
        // The rest of an argument stands in it, in order.
        let at = 0;
        for (const rest of fresh.split(REDACTED)) {
          const found = list[i]!.indexOf(rest, at);
          t.true(found >= 0, JSON.stringify([list[i], fresh]));
          at = found + rest.length;
        }
      }
      t.deepEqual({ ...redacted, argv: list, command: event.command }, {
        ...event,
        redacted: true,
      } as unknown as ExecEvent);
      t.is(redacted.command, ['/bin/x', ...redacted.argv!.slice(1)].join(' '));
      // An argument whose only spaces stood in a secret is one word now, not a command line, and can be read in another way.
      if (list.some((one, i) => /\s/.test(one) && !/\s/.test(redacted.argv![i]!))) return;
      const again = redact(redacted)?.event as ExecEvent | undefined;
      t.deepEqual(again?.argv ?? redacted.argv, redacted.argv, JSON.stringify(list));
    }),
    { numRuns: 3000 },
  );
});

test('an event in which something is redacted has a trigger in its line, wherever the secret stands', (t) => {
  const place = fc.constantFrom('argv', 'command_line', 'ancestors', 'exec_failed', 'other');
  fc.assert(
    fc.property(argv, place, (list, where) => {
      const line = list.join(' ');
      const event =
        where === 'argv'
          ? eventOf(list)
          : where === 'command_line'
            ? eventOf(['x'], { command_line: line })
            : where === 'ancestors'
              ? eventOf(['x'], { ancestors: [{ pid: 1, command_line: line }] })
              : where === 'exec_failed'
                ? { ...eventOf(list), type: 'exec_failed', error: 'ENOENT' }
                : { type: 'something', argv: list };
      if (redact(event) === undefined) return;
      const { memory, start, end } = toItem(event);
      t.true(TRIGGERS.inLine(memory, start, end), JSON.stringify(event));
    }),
    { numRuns: 3000 },
  );
});

test('whatever character stands before or behind the name of a program, the line has a trigger if its option is redacted', (t) => {
  const characters = [...Array.from({ length: 0x80 }, (_, i) => String.fromCharCode(i)), 'é', '\u00a0', '\u2028'];
  let triggered = 0;
  for (const [name, { options }] of TOOLS)
    for (const character of characters)
      for (const word of [character + name, name + character])
        for (const list of [
          [word, Object.keys(options)[0]!, 'a:b%c=d9'],
          ['x', `y ${word} ${Object.keys(options)[0]} a:b%c=d9`],
        ]) {
          const event = eventOf(list);
          const { memory, start, end } = toItem(event);
          if (TRIGGERS.inLine(memory, start, end)) triggered++;
          else t.is(redact(event), undefined, JSON.stringify(list));
        }
  t.true(triggered > 1000);
});

test('in long arguments a trigger is found at each place, and nowhere without one', (t) => {
  const filler = 'x'.repeat(9001);
  const suspects = (list: readonly string[]): boolean => {
    const { memory, start, end } = toItem(eventOf(list));
    return TRIGGERS.inLine(memory, start, end);
  };
  t.false(suspects(['x', filler, '","filename":"', ']', 'x']));
  for (const word of ['token', 'pw', '://', 'e\u017fe'])
    for (let at = 0; at <= filler.length; at += at % 2200 < 2150 && at % 2270 < 2200 ? 13 : 1)
      t.true(suspects(['x', `${filler.slice(0, at)}${word}${filler.slice(at)}`]), `${word} at ${at}`);
});

test('long arguments have a trigger exactly where the same text in a line of another shape has one', (t) => {
  // Of near misses, some texts have so many that the filter gives up.
  const piece = fc.constantFrom('open', 'opens', 'toke', 'n', 'p', 'w', 'W', ' ', '/7', 'z', 'sk', 'a', ':/', '/', 'se', 'cret', 'PASSIVE', 'é', 'ſ', '\\', '"', '\n', '_'.repeat(40)); // prettier-ignore
  const long = fc
    .tuple(fc.array(piece, { minLength: 1, maxLength: 9 }), fc.array(piece, { maxLength: 6 }), fc.nat(7))
    .map(([often, once, shift]) => {
      const repeated = often.join('');
      return 'x'.repeat(shift) + repeated.repeat(Math.ceil(4500 / repeated.length)) + once.join('');
    });
  let triggered = 0;
  fc.assert(
    fc.property(fc.array(fc.oneof(long, piece), { minLength: 1, maxLength: 3 }), (list) => {
      const suspects = (event: object): boolean => {
        const { memory, start, end } = toItem(event);
        return TRIGGERS.inLine(memory, start, end);
      };
      const expected = suspects({ type: 'another', list: ['x', ...list] });
      triggered += expected ? 1 : 0;
      t.is(suspects(eventOf(['x', ...list])), expected, JSON.stringify(list).slice(0, 400));
    }),
    { numRuns: 2000 },
  );
  t.true(triggered > 200 && triggered < 1800, `${triggered} have a trigger`);
});

test('a trigger at the very beginning and end of long arguments is found', (t) => {
  const filler = 'x'.repeat(5000);
  for (const list of [
    ['/7z', filler],
    ['7z', filler],
    [filler, 'pw'],
    [`${filler}pw`],
    [`${filler}x`, 'pw'],
    [filler, 'a', 'psk'],
  ]) {
    const { memory, start, end } = toItem({ ...eventOf(list), command: '/bin/x' });
    for (const shift of [0, 1]) {
      const moved = Buffer.from(new ArrayBuffer(end - start + 10), shift);
      memory.copy(moved, 3, start, end);
      t.true(TRIGGERS.inLine(moved, 3, 3 + end - start), JSON.stringify(list).slice(-40));
    }
  }
});

test('long arguments are searched for own patterns that the filter has no room for, or that are a single byte', (t) => {
  const many = Array.from({ length: 600 }, (_, i) => `${String.fromCharCode(0x61 + (i % 26))}${i}#`);
  for (const literals of [['~'], many]) {
    const pattern = { each: () => undefined, literals };
    const triggers = new Triggers({ shapes: [{ name: 'own', pattern }] });
    for (const [list, expected] of [
      [['_'.repeat(9000)], false],
      [['_'.repeat(5000) + literals.at(-1)! + '_'.repeat(4000)], true],
    ] as const) {
      const { memory, start, end } = toItem(eventOf(['_', ...list]));
      t.is(triggers.inLine(memory, start, end), expected);
    }
  }
});

test('every field of exec is looked at, makes its line be looked at as a whole, or holds no command line', (t) => {
  const order = Object.keys(EXEC_FIELDS);
  // Repeated by others: the path that was asked for and the arguments.
  const repeated = ['command', 'filename'];
  const without = ['pid', 'timestamp', 'type', 'seq', 'time', 'ppid', 'uid', 'gid', 'euid', 'egid', 'loginuid', 'user_sid', 'logon_id', 'integrity_level', 'elevated', 'session_id', 'tty', 'argv_bytes', 'cwd', 'comm', 'start_time', 'cgroup', 'container_id', 'ns', 'flags', 'parent', 'source']; // prettier-ignore
  const grouped = new Set([...LOOKED_AT, ...RARE, ...repeated, ...without]);
  // A field behind `source` makes the line unusual by itself.
  t.deepEqual(
    order.slice(0, order.indexOf('source') + 1).filter((field) => !grouped.has(field)),
    [],
  );
  t.deepEqual(order.slice(order.indexOf('exe'), order.indexOf('argv_bytes') + 1), [
    'exe',
    'filename',
    'argv',
    'argv_bytes',
  ]);
  t.deepEqual(order.slice(order.indexOf('argv_bytes') + 1, order.indexOf('cwd')), RARE);
});

test('a usual line without a trigger is told by its bytes, and one with a trigger in any place that counts too', (t) => {
  const suspects = (event: object): boolean => {
    const { memory, start, end } = toItem(event);
    return TRIGGERS.inLine(memory, start, end);
  };
  t.false(suspects(EXEC_EXAMPLE));
  for (const word of [...NAME_TRIGGERS, '://']) {
    t.true(suspects(eventOf(['x', word])), word);
    t.true(suspects({ ...EXEC_EXAMPLE, env: { [word]: 'x' } }), word);
    t.true(suspects({ ...EXEC_EXAMPLE, raw: {}, command_line: word }), word);
    t.true(suspects({ ...EXEC_EXAMPLE, ancestors: [{ pid: 1, command_line: word }] }), word);
    t.true(suspects({ type: 'another', text: word }), word);
    const { argv: _, ...without } = EXEC_EXAMPLE;
    t.true(suspects({ ...without, command: word }), word);
  }
  t.true(suspects(eventOf(['x', 'PASSWORD=1'])));
  const { memory } = toItem(eventOf(['x', 'sEcret']));
  const escaped = Buffer.from(memory.toString().replace('sEcret', String.raw`s\u0065cret`));
  t.true(TRIGGERS.inLine(escaped, 0, escaped.length));
});

test('a token in a path makes a line be searched where that is `exe`, and is redacted in any path of a line that is searched', (t) => {
  const token = `/npm_${'a'.repeat(36)}`;
  for (const [more, expected] of [
    [{ exe: token }, true],
    [{ filename: token }, false],
    [{ cwd: token }, false],
    [{ parent: { pid: 1, exe: token } }, false],
  ] as const) {
    const { memory, start, end } = toItem({ ...EXEC_EXAMPLE, ...more });
    t.is(TRIGGERS.inLine(memory, start, end), expected, JSON.stringify(more));
    const { event } = redact({ ...EXEC_EXAMPLE, ...more })!;
    t.false(JSON.stringify(event).includes(token), JSON.stringify(more));
  }
});

test('a line that lies between others is looked at alone', (t) => {
  const quiet = Buffer.from(`${JSON.stringify(EXEC_EXAMPLE)}\n`);
  const loud = Buffer.from(`${JSON.stringify(eventOf(['x', '--password=x']))}\n`);
  const memory = Buffer.concat([loud, quiet, loud]);
  t.false(TRIGGERS.inLine(memory, loud.length, loud.length + quiet.length));
  t.true(TRIGGERS.inLine(memory, loud.length + quiet.length, memory.length));
});

test('what cannot be searched with the steps that are left is redacted as a whole; shorter arguments are still searched', (t) => {
  const long = `x${'y'.repeat(10_000)}`;
  const { event, patterns } = redact(
    eventOf(['app', '--verbose', long, '--password', 'hunter2', '-x']),
    PATTERNS,
    100_000,
  )!;
  t.deepEqual((event as ExecEvent).argv, ['app', '--verbose', REDACTED, '--password', REDACTED, '-x']);
  t.false(JSON.stringify(event).includes('yyyy'));
  t.deepEqual([...patterns].toSorted(), ['option', OVER_BUDGET]);
});

test('without a step, every text is redacted, and no field is lost', (t) => {
  const { event } = redact(eventOf(['app', 'x'], { ancestors: [{ pid: 1, command_line: 'y' }] }), PATTERNS, 0)!;
  t.deepEqual((event as ExecEvent).argv, [REDACTED, REDACTED]);
  t.is(
    (event as unknown as Fields)['ancestors'] && JSON.stringify((event as unknown as Fields)['ancestors']),
    `[{"pid":1,"command_line":"${REDACTED}"}]`,
  );
  t.deepEqual(Object.keys(event), [...Object.keys(eventOf([])), 'ancestors', 'redacted']);
});

// Each of these would take a search that begins again at each place time that grows with the square of the text.
for (const hostile of [
  '://',
  '://a:b',
  'cookie: ',
  '"password":"',
  "'token': \\'",
  'a_token="',
  'password=',
  '\\"',
  "'",
  '"',
  '$(',
  '-----BEGIN PRIVATE KEY-----',
  'eyJ',
  'glpat-',
  'aaaa@',
  ' -p',
  'mysql ',
  ';',
  ',token=',
  '?sig=',
  '=',
  ':',
  '----',
  'sh -c "',
  '\\',
  '`',
]) {
  test(`the work for a text of many ${JSON.stringify(hostile)} is bounded`, (t) => {
    const big = hostile.repeat(Math.floor(200_000 / hostile.length));
    for (const list of [['mysql', '-c', big], ['x', big], big.slice(0, 20_000).split(' ')]) {
      // Work that grows with the square of this much text takes minutes: the test would not come to its end.
      const event = eventOf(list, { command_line: big, ancestors: [{ pid: 1, command_line: big }] });
      const redacted = redact(event)?.event as ExecEvent | undefined;
      t.is((redacted ?? event).argv!.length, list.length);
    }
  });
}

test('every shape finds its example and has literals, so that lines without it are not parsed', (t) => {
  const found = new Set<string>();
  for (const line of WITH_SECRETS) {
    const finder = new Finder(PATTERNS, MAX_STEPS);
    finder.inValue((typeof line === 'string' ? line : line.join(' ')).replaceAll(/[«»]/g, ''));
    for (const name of finder.found) found.add(name);
  }
  const missing = Object.keys(SHAPES).filter((name) => !found.has(name));
  t.deepEqual(missing, []);
  for (const { name, pattern } of PATTERNS.shapes) t.true((pattern.literals ?? []).length > 0, name);
  // Two letters are in half of all lines.
  for (const { name, pattern } of PATTERNS.shapes)
    for (const literal of pattern.literals ?? []) t.true(literal.length >= 3, `${name}: ${literal}`);
});
