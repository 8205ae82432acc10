/** A program that the guest executes, and what the event has to say. */
export interface Run {
  /** The path as the caller gives it. */
  readonly path: string;
  readonly args: readonly Buffer[];
  /** argv[0]; by default the path. */
  readonly name?: Buffer;
  readonly uid?: number;
  /** Name of the errno, if it has to fail. */
  readonly error?: string;
}

const bytes = (...texts: string[]): Buffer[] => texts.map((text) => Buffer.from(text, 'latin1'));
const utf8 = (text: string): Buffer => Buffer.from(text);

/** Names and arguments that break lines, strings or parsers. */
export const HOSTILE: readonly Run[] = [
  { path: '/bin/true', args: [] },
  { path: '/bin/true', args: bytes('') },
  { path: '/bin/true', args: bytes('', 'after empty', '') },
  { path: '/bin/true', args: bytes('q"uote', "q'uote", 'back\\slash', '\\', '\\0', '\\n') },
  { path: '/bin/true', args: bytes('new\nline', '\n', 'cr\rlf\r\n', 't\tab', 'ctl\u0001\u001b[31m') },
  { path: '/bin/true', args: [utf8('é-日本-😀'), ...bytes('bad\xff\xfe', '\xc3', '\x80')] },
  { path: '/bin/true', args: bytes('%s %d %n', '%', '$1', '`id`', '$(id)') },
  {
    path: '/bin/true',
    args: bytes('x 0 1 1795352083140215713 1 1 0 0 4:fake,\n', 'e 0 1\n', '\n#\n', '3:abc,', ',\n'),
  },
  { path: '/bin/true', args: bytes('x'.repeat(1022)) },
  { path: '/bin/true', args: Array.from({ length: 63 }, (_, i) => Buffer.from(`argument ${i}`)) },
  { path: '/bin/true', args: bytes('named'), name: Buffer.from('odd"na\nme', 'latin1') },
  { path: '/tmp/we"ird\\n\né', args: bytes('one') },
  { path: '/bin/true', args: bytes('as1234'), uid: 1234 },
  { path: '/bin/true', args: bytes('as nobody'), uid: 4_294_967_294 },
  { path: '/no/such\n"program', args: bytes('fails'), error: 'ENOENT' },
  { path: '/etc/passwd', args: bytes('fails'), error: 'EACCES' },
];

/** Arguments beyond the limits: the event has to be cut and marked. */
export const CUT: readonly Run[] = [
  { path: '/bin/true', args: bytes('y'.repeat(5000), 'last') },
  { path: '/bin/true', args: Array.from({ length: 200 }, (_, i) => Buffer.from(`argument ${i}`)) },
];

/** Execs of a storm; each has its number as argument. */
export const STORM = 400;

/** A shell script that runs them, one after the other. Every path has a slash, so that the shell does not look it up. */
export function workloadScript(runs: readonly Run[], storm: number): string {
  const lines = runs.map(({ path, args, name, uid }) => {
    const words = [
      ...(uid === undefined ? [] : [`setpriv --reuid ${uid} --regid ${uid} --clear-groups`]),
      quoted(Buffer.from(path)),
      ...args.map(quoted),
    ];
    const exec = name === undefined ? words.join(' ') : `(exec -a ${quoted(name)} ${words.join(' ')})`;
    return `${exec} 2>/dev/null`;
  });
  return `cp /bin/true ${quoted(Buffer.from('/tmp/we"ird\\n\né'))}
sleep 1
${lines.join('\n')}
for i in $(seq 1 ${storm}); do /bin/true "storm-$i"; done
sleep 2
`;
}

/** Bytes as one word of bash. */
function quoted(word: Buffer): string {
  return `$'${[...word].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}'`;
}
