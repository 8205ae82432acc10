/**
 * The line of an exec event as the helper writes it: its fields in this order, nothing in between.
 *
 * Every event that the agent passes on must have been checked, and most of
 * them are forwarded without anybody looking at a field. To make an object of such a line,
 * look at its fields and throw it away costs three times as much as to compare the
 * text with the shape it should have. What fits the shape is valid JSON with valid fields; what
 * does not may still be, and is then read in the ordinary way.
 */

const NUMBER = '(?:0|[1-9]\\d{0,14})';
/** Since 1970 these have one digit more. */
const MICROSECONDS = `(?:${NUMBER}|[1-8]\\d{15})`;
const PLAIN = '[^"\\\\\\x00-\\x1f]*';
const TEXT = `"${PLAIN}(?:\\\\(?:["\\\\/bfnrt]|u[0-9a-fA-F]{4})${PLAIN})*"`;
const TEXTS = `\\[(?:${TEXT}(?:,${TEXT})*)?\\]`;
const TIME = '"\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d{1,9})?Z"';
const NAMESPACES = `\\{(?:"[a-z_]+":${NUMBER}(?:,"[a-z_]+":${NUMBER})*)?\\}`;

const field = (name: string, value: string): string => `,"${name}":${value}`;
const optional = (name: string, value: string): string => `(?:${field(name, value)})?`;

const UP_TO_NUMBER = `\\{"pid":${NUMBER}${field('command', TEXT)}${field('timestamp', NUMBER)},"type":"exec","seq":`;

const FROM_NUMBER = [
  NUMBER,
  field('time', TIME),
  ...['ppid', 'uid', 'gid', 'euid', 'egid', 'loginuid'].map((name) => optional(name, NUMBER)),
  ...['user_sid', 'logon_id', 'integrity_level'].map((name) => optional(name, TEXT)),
  optional('elevated', '(?:true|false)'),
  ...['session_id', 'tty'].map((name) => optional(name, NUMBER)),
  optional('exe', TEXT),
  optional('filename', TEXT),
  optional('argv', TEXTS),
  optional('argv_bytes', NUMBER),
  optional('argv_truncated', 'true'),
  optional('command_line', TEXT),
  optional('command_source', '"(?:etw|process)"'),
  optional('cwd', TEXT),
  optional('comm', TEXT),
  optional('start_time', MICROSECONDS),
  optional('cgroup', TEXT),
  optional('container_id', TEXT),
  optional('ns', NAMESPACES),
  optional('flags', TEXTS),
  optional('parent', `\\{"pid":${NUMBER}${optional('start_time', MICROSECONDS)}${optional('exe', TEXT)}\\}`),
  optional('source', '"(?:ebpf|etw|snapshot)"'),
  '\\}\\n',
].join('');

const ZERO = 48;

/** Compares lines with the shape. One at a time: the answer for the last line is in its fields. */
export class ExecShape {
  readonly #upToNumber = new RegExp(UP_TO_NUMBER, 'y');
  readonly #fromNumber = new RegExp(FROM_NUMBER, 'y');
  /** The number of the line that fitted. */
  seq = 0;
  /** Where the line after it begins. */
  end = 0;

  /**
   * Whether the line that begins at `start` of `text` is an exec event of this shape.
   * @param text bytes of valid UTF-8 as characters (latin1): faster than text, and the same wherever it is not compared
   */
  fits(text: string, start: number): boolean {
    const head = this.#upToNumber;
    head.lastIndex = start;
    if (!head.test(text)) return false;
    const at = head.lastIndex;
    const rest = this.#fromNumber;
    rest.lastIndex = at;
    if (!rest.test(text)) return false;
    this.end = rest.lastIndex;
    this.seq = numberAt(text, at);
    return true;
  }
}

/** The digits at `at`, which are known to be a whole number below 10^15. */
function numberAt(text: string, at: number): number {
  let value = 0;
  for (let i = at, digit = text.charCodeAt(i) - ZERO; digit >= 0 && digit <= 9; digit = text.charCodeAt(++i) - ZERO)
    value = value * 10 + digit;
  return value;
}
