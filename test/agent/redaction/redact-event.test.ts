import test from 'ava';
import type { StreamEvent } from '../../../agent/events/item.ts';
import { redactionSchema, type RedactionConfig } from '../../../agent/redaction/config.ts';
import { Patterns, REDACTED } from '../../../agent/redaction/finder.ts';
import { MAX_STEPS } from '../../../agent/redaction/limits.ts';
import { redactEvent } from '../../../agent/redaction/redact-event.ts';
import { Triggers } from '../../../agent/redaction/triggers.ts';
import { execEvent } from '../../support/fake-helper.ts';
import { toItem } from '../support/items.ts';
import { WITH_SECRETS, WITHOUT_SECRETS } from './command-lines.ts';

type Fields = Record<string, unknown>;

const patternsFor = (config: Partial<RedactionConfig> = {}): Patterns => new Patterns(redactionSchema.parse(config));
const PATTERNS = patternsFor();
const TRIGGERS = new Triggers(PATTERNS);

const MARKED = /«([^»]*)»/g;
const plain = (text: string): string => text.replaceAll(MARKED, '$1');
const masked = (text: string): string => text.replaceAll(MARKED, REDACTED);
const argumentsOf = (line: string | readonly string[]): readonly string[] =>
  typeof line === 'string' ? line.split(' ') : line;

function eventOf(argv: readonly string[], more: Fields = {}): Fields {
  const exe = argv[0]!.startsWith('/') ? argv[0]! : `/usr/bin/${argv[0]!}`;
  return execEvent(1, {
    exe,
    filename: exe,
    argv: [...argv],
    argv_bytes: argv.length,
    command: [exe, ...argv.slice(1)].join(' '),
    ...more,
  }) as unknown as Fields;
}

const redact = (event: Fields, patterns = PATTERNS, steps = MAX_STEPS): Fields =>
  (redactEvent(event as unknown as StreamEvent, patterns, steps)?.event ?? event) as unknown as Fields;

function suspects(event: Fields): boolean {
  const { memory, start, end } = toItem(event);
  return TRIGGERS.inLine(memory, start, end);
}

for (const line of WITH_SECRETS) {
  const argv = argumentsOf(line);
  test(`redacted: ${JSON.stringify(argv.join(' '))}`, (t) => {
    const event = eventOf(argv.map(plain));
    t.true(suspects(event), 'the line has no trigger');
    const redacted = redact(event);
    t.deepEqual(redacted['argv'], argv.map(masked));
    t.is(redacted['command'], [event['filename'], ...argv.slice(1).map(masked)].join(' '));
    t.deepEqual(redacted, { ...event, argv: redacted['argv'], command: redacted['command'], redacted: true });
    t.deepEqual(redact(redacted), redacted, 'redacting again changes something');
  });
}

for (const line of WITHOUT_SECRETS) {
  const argv = argumentsOf(line);
  test(`left alone: ${JSON.stringify(argv.join(' '))}`, (t) => {
    t.is(redactEvent(eventOf(argv) as unknown as StreamEvent, PATTERNS, MAX_STEPS), undefined);
  });
}

test('there are enough command lines of both kinds', (t) => {
  t.true(WITH_SECRETS.length >= 100 && WITHOUT_SECRETS.length >= 75);
});
