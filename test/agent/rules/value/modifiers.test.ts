import test from 'ava';
import { item, matches, refusals, ruleText, warnings } from '../support.ts';

const cl = (line: string, CommandLine: unknown) => item(`CommandLine${line}`, { CommandLine });

test('values are compared as a whole and without case', (t) => {
  t.true(cl(': WHOAMI', 'whoami'));
  t.false(cl(': whoami', 'whoami /all'));
  t.true(cl(': ΟΔΟΣ', 'οδος'));
  t.true(cl(': 4688', 4688));
  t.true(cl(': 4688', '4688'));
  t.true(cl(': true', true));
  t.true(cl(': 12345678901234567890', '12345678901234567890'), 'digits beyond a double are kept');
});

// Specification, "String Wildcard" and "Escape Character".
test('wildcards stand for characters, and a backslash takes that from them', (t) => {
  t.true(cl(": 'prog?.exe'", 'progA.exe'));
  t.false(cl(": 'prog?.exe'", 'prog.exe'));
  t.true(cl(": 'antivirus_V*.exe'", 'antivirus_V21.2.1.exe'));
  t.true(cl(": 'a\\*b'", 'a*b'));
  t.false(cl(": 'a\\*b'", 'axb'));
  t.true(cl(": 'C:\\Windows\\cmd.exe'", 'C:\\Windows\\cmd.exe'), 'a single backslash is plain');
  t.true(cl(": 'C:\\\\Windows'", 'C:\\Windows'), 'two are one');
  t.true(cl(": 'C:\\Windows\\\\*'", 'C:\\Windows\\cmd.exe'), 'an escaped backslash before a wildcard');
  t.true(cl(": 'a\\\\\\*'", 'a\\*'), 'three: a backslash and a star');
  t.true(cl(": 'a\\\\\\\\b'", 'a\\\\b'), 'four: two');
  t.true(cl(": 'a\\'", 'a\\'), 'a backslash at the end is plain');
  t.true(cl(": '?'", '😀'), 'a character is a code point');
  t.true(cl(": '*'", ''));
  t.false(item("CommandLine: '*'", {}));
});

test('contains, startswith and endswith say where a value stands', (t) => {
  t.true(cl('|contains: OAM', 'whoami'));
  t.true(cl('|startswith: WHO', 'whoami'));
  t.false(cl('|startswith: oami', 'whoami'));
  t.true(cl('|endswith: ami', 'whoami'));
  t.true(cl("|endswith: '*.e?e'", 'x.exe'));
  t.false(cl(": 'ab*b'", 'ab'), 'what stands before a star is not also behind it');
  t.false(cl(": 'ab*?b'", 'abb'));
  t.true(cl("|contains: 'a*c'", 'xabbcx'));
});

test('lists are linked with OR, under all with AND, and neq negates the whole', (t) => {
  t.true(cl('|contains: [a, b]', 'xbx'));
  t.false(cl('|contains|all: [a, b]', 'xbx'));
  t.true(cl('|contains|all: [a, b]', 'bxa'));
  t.false(cl('|neq: [a, b]', 'b'));
  t.true(cl('|neq: [a, b]', 'c'));
  t.true(cl('|contains|all|neq: [a, b]', 'a'));
  t.true(item('CommandLine|neq: a', {}), 'a missing field differs');
});

test('cased compares case as well', (t) => {
  t.true(cl('|cased: Cmd', 'Cmd'));
  t.false(cl('|cased: Cmd', 'cmd'));
  t.true(cl('|contains|cased: Cmd', 'xCmdx'));
  t.false(cl('|contains|cased: Cmd', 'xcmdx'));
  t.true(cl("|cased: 'A*b?'", 'Axxbz'));
});

// Appendix: "Creates all possible permutations of the `-`, `/`, `–` (en dash), `—` (em dash), and `―` (horizontal bar) characters."
test('windash makes the five dashes one where they begin a parameter', (t) => {
  for (const dash of '-/–—―') {
    t.true(cl("|contains|windash: ' -f '", `x ${dash}f y`), dash);
    t.true(cl("|windash|contains: ' /f'", `x ${dash}f`), dash);
    t.true(cl("|contains|windash: ' –f'", `x ${dash}f`), dash);
  }
  t.true(cl("|windash: '-a -b -c -d'", '/a —b -c –d'), 'many dashes, in every combination');
  t.false(cl("|contains|windash: 'param-name'", 'param/name'), 'a dash inside a word stays');
  t.false(cl("|contains|windash: ' - '", ' / '), 'a dash before a space stays');
  t.false(cl("|contains|all|windash: [' -a', ' -b']", 'x /a'));
});

test('base64 and base64offset find encoded text, wide and utf16 in its encodings', (t) => {
  const encode = (text: string, encoding: BufferEncoding = 'utf8') => Buffer.from(text, encoding).toString('base64');
  t.true(cl('|base64|contains: spinstall0.aspx', `x ${encode('spinstall0.aspx')} y`));
  for (const before of ['', 'a', 'bc', 'def']) {
    t.true(cl('|base64offset|contains: http://', encode(`${before}http://example`)), before);
    t.true(cl('|wide|base64offset|contains: http://', encode(`${before}http://example`, 'utf16le')), before);
    t.true(cl('|utf16le|base64offset|contains: Invoke', encode(`${before}Invoke-X`, 'utf16le')), before);
    t.true(cl('|base64offset|contains: straße', encode(`${before}straße!`)), `bytes count, not characters: ${before}`);
  }
  const swapped = Buffer.from('cmd.exe', 'utf16le').swap16().toString('base64');
  t.true(cl('|utf16be|base64|contains: cmd.exe', swapped));
  t.true(cl('|utf16|base64: cmd', encode('\ufeffcmd', 'utf16le')), 'utf16 has a byte order mark');
  t.true(cl('|wide|contains: cmd', 'xc\0m\0d\0x'));
  t.true(cl("|base64|contains: 'a\\*b'", encode('a*b')), 'an escaped star is a star');
});

test('cidr knows IPv4 and IPv6 networks', (t) => {
  t.true(cl('|cidr: 10.0.0.0/8', '10.255.0.1'));
  t.false(cl('|cidr: 10.0.0.0/8', '11.0.0.1'));
  t.false(cl('|cidr: 10.0.0.0/8', '10.0.0'));
  t.true(cl('|cidr: 192.168.1.128/25', '192.168.1.200'));
  t.false(cl('|cidr: 192.168.1.128/25', '192.168.1.100'));
  t.true(cl("|cidr: 'fe80::/10'", 'fe80::1%eth0'));
  t.true(cl("|cidr: '2001:db8::/33'", '2001:DB8:7fff::1'));
  t.false(cl("|cidr: '2001:db8::/33'", '2001:db8:8000::1'));
  t.true(cl("|cidr: '::ffff:10.0.0.0/104'", '::ffff:10.1.2.3'));
  t.true(cl('|cidr: 10.0.0.7', '10.0.0.7'));
  t.false(cl("|cidr: '::/0'", '1.2.3.4'), 'the two kinds do not mix');
  t.false(cl('|cidr: 0.0.0.0/0', '::1'));
});

test('exists asks for the field, not for its value', (t) => {
  t.true(item('User|exists: true', { User: null }));
  t.true(item('User|exists: true', { User: '' }));
  t.false(item('User|exists: true', {}));
  t.true(item('User|exists: false', {}));
  t.false(item('toString|exists: true', {}), 'what every object inherits is not a field');
});

// Specification, "Special Field Values".
test('null is a missing field, and the empty text is a value', (t) => {
  t.true(item('User: null', {}));
  t.true(item('User: null', { User: null }));
  t.false(item('User: null', { User: '' }));
  t.true(item("User: ''", { User: '' }));
  t.false(item("User: ''", {}));
});

test('numbers are compared, also where an event has them as text', (t) => {
  t.true(item('ProcessId|gt: 4', { ProcessId: 5 }));
  t.false(item('ProcessId|gt: 4', { ProcessId: 4 }));
  t.true(item('ProcessId|gte: 4', { ProcessId: '4' }));
  t.true(item('ProcessId|lt: 4.5', { ProcessId: 4 }));
  t.true(item('ProcessId|lte: -1', { ProcessId: -1 }));
  t.false(item('ProcessId|lt: 4', { ProcessId: '' }));
  t.false(item('ProcessId|lt: 4', { ProcessId: 'x' }));
  t.true(item('ProcessId|neq: 4', { ProcessId: 5 }));
});

test('a time modifier takes a number out of a date, as it is written', (t) => {
  const at = (line: string, time: unknown) => item(`UtcTime|${line}`, { UtcTime: time });
  t.true(at('hour: 23', '2024-02-29 23:59:58.1'));
  t.true(at('hour: 23', '2024-02-29T23:59:58+05:00'), 'time zones are not converted');
  t.true(at('minute: 59', '2024-02-29 23:59:58'));
  t.true(at('day: 29', '2024-02-29'));
  t.true(at('month: 2', '2024-02-29'));
  t.true(at('year: 2024', '2024-02-29'));
  t.true(at('week: 9', '2024-02-29'));
  t.true(at('week: 53', '2021-01-01'), 'ISO 8601 weeks');
  t.true(at('week: 1', '2024-12-31'));
  t.true(at('hour: 13', 1678886400), 'a number is Unix time in UTC');
  t.true(at('hour|gte: 22', '2024-02-29 23:00:00'));
  t.false(at('hour: 0', '2024-02-29'), 'a date without a time has no hour');
});

test('fieldref compares two fields of the event, without case', (t) => {
  const same = 'Image|fieldref: ParentImage';
  t.true(item(same, { Image: '/bin/SH', ParentImage: '/bin/sh' }));
  t.false(item(same, { Image: '/bin/sh' }));
  t.true(item('Image|fieldref|neq: ParentImage', { Image: 'a', ParentImage: 'b' }));
  t.true(item('CommandLine|fieldref|startswith: Image', { CommandLine: '/bin/ls -l', Image: '/bin/ls' }));
  t.true(item('CommandLine|fieldref|endswith: User', { CommandLine: 'su ADA', User: 'ada' }));
  t.true(item('CommandLine|fieldref|contains: User', { CommandLine: 'x ada y', User: 'ada' }));
  t.false(item('Image|fieldref|cased: ParentImage', { Image: '/bin/SH', ParentImage: '/bin/sh' }));
});

test('expand puts in the values of a placeholder, and refuses the rule without them', (t) => {
  const options = {
    placeholders: new Map([
      ['Admins', ['root', 'adm_*']],
      ['n', ['1', '2']],
    ]),
  };
  t.true(item("User|expand: '%Admins%'", { User: 'ROOT' }, options));
  t.true(item("User|expand: '%Admins%'", { User: 'adm_ada' }, options), 'wildcards count');
  t.false(item("User|expand: '%Admins%'", { User: 'ada' }, options));
  t.true(item("User|expand|contains: 'x%n%y%n%z'", { User: '-x1y2z-' }, options), 'every combination');
  t.true(item("User|expand: '\\%plain%n%'", { User: '%plain1' }, options), 'an escaped percent is plain');
  t.true(
    item("Image|expand: 'C:\\\\%n%\\x'", { Image: 'c:\\1\\x' }, options),
    'an escaped backslash does not escape the percent',
  );
  t.true(item("Image|contains|expand: '\\\\%n%'", { Image: 'c:\\1\\x' }, options), 'whatever comes before expand');
  t.true(item("Image|expand: '\\\\\\%n%'", { Image: '\\%n%' }, options), 'nor does it unescape');
  t.true(item("Image|re|expand: '^C:\\\\%n%$'", { Image: 'C:\\2' }, options), 'in an expression, too');
  t.true(item("Image|re|expand: '^\\%n%$'", { Image: '%n%' }, options));
  t.true(item("User: '%Admins%'", { User: '%admins%' }, options), 'without expand it is literal');
  t.true(item("User|re|expand: '^u%n%$'", { User: 'u2' }, options));
  t.regex(
    refusals(ruleText("selection:\n    User|expand: '%Nobody%'\ncondition: selection"))[0]!,
    /placeholder %Nobody% has no values/,
  );
});

test('regular expressions are searched, with case unless i says otherwise', (t) => {
  t.true(cl("|re: 'net\\s+user'", 'x net  user y'));
  t.false(cl("|re: 'NET'", 'net'));
  t.true(cl("|re|i: 'NET'", 'net'));
  t.true(cl("|re|m: '^b'", 'a\nb'));
  t.true(cl("|re|s: 'a.b'", 'a\nb'));
  t.true(cl("|re|i|s: 'A.B'", 'a\nb'));
  t.true(cl("|re|contains: 'b'", 'abc'));
  t.false(cl("|re|startswith: 'b'", 'abc'));
  t.true(cl("|re|endswith: 'b|c'", 'abc'));
  t.true(cl("|re: 'a|b'", 'b'), 'a bar inside a value is not a modifier');
});

test('a value of an event that is a list matches with any of its items', (t) => {
  t.true(item('flags: memfd', { flags: ['script', 'memfd'] }));
  t.false(item('flags: memfd', { flags: [] }));
  t.true(item('flags|contains|all: [scr, mem]', { flags: ['script', 'memfd'] }));
  t.true(item('parent.exe|endswith: /sh', { parent: { exe: '/bin/sh' } }), 'dots lead into nested values');
});

test('keywords are searched in every value of the event', (t) => {
  const has = (detection: string, event: object) => matches(`${detection}\ncondition: keywords`, event as never);
  t.true(has('keywords: [evil, worse]', { a: 1, b: 'xEVILx' }));
  t.true(has('keywords: evil', { deep: { list: ['evil'] } }));
  t.false(has('keywords: [evil]', { evil: 'x' }), 'names of fields are not values');
  t.true(has("keywords:\n    '|all': [a, b]", { x: 'a', y: 'b' }));
  t.false(has("keywords:\n    '|all': [a, b]", { x: 'a' }));
  t.true(has("keywords: ['e?il*x']", { x: 'an evil fox' }));
  t.true(has("keywords:\n    '|re': '^e.il$'", { x: 'evil' }));
  t.true(has('keywords: [4688]', { id: 4688 }));
});

test('a modifier that does not fit is refused at its place, with what it needs', (t) => {
  const refused = (line: string) => refusals(ruleText(`selection:\n    ${line}\ncondition: selection`))[0]!;
  for (const [line, message] of [
    [
      'Image|contians: x',
      /test\.yml:6:9: detection\.selection\.Image\|contians: unknown modifier "contians", did you mean "contains"\?/,
    ],
    ['Image|gt: "4"', /test\.yml:6:19: detection\.selection\.Image\|gt: gt needs a number without quotation marks/],
    ['Image|cidr: 10.0.0.1/8', /has bits set after its first 8/],
    ['Image|cidr: 10.0.0.0/33', /prefix length .* is not 0 to 32/],
    ['Image|cidr: host', /is not an IPv4 or IPv6 network/],
    ['Image|contains|re: x', /re must be the first modifier/],
    ['Image|contains|cidr: 10.0.0.0/8', /cidr must be the first modifier/],
    ['Image|i: x', /i, m and s follow re/],
    ['Image|exists: maybe', /exists is true or false/],
    ["'|exists': true", /exists needs a field/],
    ["Image|base64: 'a*'", /base64 needs text without wildcards/],
    ['Image|contains|base64: a', /put it before contains/],
    ['Image|base64offset|contains: a', /at least two bytes/],
    ["Image|fieldref: 'a*'", /without wildcards/],
    ['Image|hour: 24', /hour is a whole number from 0 to 23/],
    ['Image|re: (a', /regular expression: a "\(" is not closed \(character 3\)/],
    ['Image|contains: null', /null takes no modifier/],
    ['Image: []', /an empty list matches nothing/],
    ['Image: {a: b}', /expected a value, found a map/],
  ] as const) {
    t.regex(refused(line), message);
  }
});

test('what is odd but clear is a warning, and the rule is loaded', (t) => {
  const warned = (detection: string) => warnings(ruleText(detection))[0];
  t.regex(warned('selection:\n    Image|contains|all: x\ncondition: selection')!, /all needs a list/);
  t.regex(warned("selection:\n    Image: ['', null]\ncondition: selection")!, /null in a list/);
  t.regex(warned("selection:\n    Image|expand: 'C:\\%n%'\ncondition: selection")!, /expand finds no %name%/);
  t.regex(
    warned('selection:\n    Imge|endswith: x\ncondition: selection')!,
    /^test\.yml:1:1: detection: no event has a field "Imge", did you mean "Image"\?$/,
  );
  t.regex(
    warned('selection:\n    Image|fieldref: parentImage\ncondition: selection')!,
    /"parentImage", did you mean "ParentImage"/,
  );
  t.is(
    warned('selection:\n    OriginalFileName: x\n    parent.pid: 1\n    flags: memfd\ncondition: selection'),
    undefined,
  );
  t.regex(
    warned('selection:\n    LogonId: 0x3e7\ncondition: selection')!,
    /LogonId: 0x3e7 is the number 999, and compared as such; write '0x3e7' for the text$/,
  );
  t.regex(warned('selection:\n    LogonId: [1, 007]\ncondition: selection')!, /LogonId\[1\]: 007 is the number 7/);
  for (const good of [
    'LogonId: 7',
    "LogonId: '0x3e7'",
    'LogonId: -1.5',
    'LogonId: 12345678901234567890',
    'LogonId|gt: 1.50',
    'time|hour: 07',
  ])
    t.is(warned(`selection:\n    ${good}\ncondition: selection`), undefined, good);
  t.regex(warned('selection:\n    Image: x\nother:\n    Image: y\ncondition: selection')!, /"other" is not used/);
});

test('what is no address or network is refused, however much of one is in it', (t) => {
  for (const text of [
    '1.2.3.4::/128',
    '::1.2.3.4::/128',
    '1.2.3.4:5::/32',
    '1::2::3/128',
    '1.2.3.4%eth0/32',
    'fe80::%eth0/10',
    '::1.2.3/128',
    '1.2.3.4.5/32',
  ])
    t.regex(refusals(ruleText(`s: {X|cidr: '${text}'}\ncondition: s`))[0]!, /is not an IPv4 or IPv6 network/, text);
  t.true(item("X|cidr: '::ffff:1.2.3.0/120'", { X: '::ffff:1.2.3.4' }));
  t.true(item("X|cidr: 'fe80::/10'", { X: 'fe80::1%eth0' }));
  t.false(item("X|cidr: '1.2.3.0/24'", { X: '1.2.3.4%eth0' }));
  t.false(item("X|cidr: '102:304::/32'", { X: '1.2.3.4::' }));
});

test('a path into values ends at lists and texts, whose length and places are no names', (t) => {
  const event = { X: ['a', 'b'], Y: 'ab', Z: { length: 3, y: ['c'] } };
  for (const field of ['X.length', 'X.0', 'Y.length', 'Y.0', 'Z.y.0', 'Z.y.length', 'X.constructor', 'X.__proto__'])
    t.false(item(`${field}|exists: true`, event), field);
  t.true(item('Z.length: 3', event));
  t.true(item('Z.y: c', event));
});

test('names that every object inherits are names like others', (t) => {
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf']) {
    t.false(item(`${name}|exists: true`, {}), name);
    t.true(item(`${name}: null`, {}), name);
    t.true(item(`${name}|contains: x`, JSON.parse(`{"${name}": "axb"}`) as Record<string, unknown>), name);
    t.true(item(`X|contains: ${name}`, { X: `a${name}b` }), name);
    t.true(matches(`${name}: {X: a}\ncondition: ${name}`, { X: 'a' }), name);
  }
});

test('numbers beyond 2^53 and with many digits are compared exactly', (t) => {
  const big = '9007199254740993';
  const before = '9007199254740992';
  for (const [line, x, expected] of [
    [`X|gt: ${before}`, big, true],
    [`X|gt: ${big}`, before, false],
    [`X|gt: ${big}`, big, false],
    [`X|gte: ${big}`, big, true],
    [`X|lt: ${big}`, before, true],
    [`X|lte: ${before}`, big, false],
    [`X|lt: -${before}`, `-${big}`, true],
    ['X|gt: 123456789012345678901234567890', '123456789012345678901234567891', true],
    ['X|lt: 1', '0.99999999999999999999', true],
    ['X|gt: 1', '1.00000000000000000001', true],
    ['X|gt: 1', '1.00000000000000000000', false],
    ['X|gte: 1', '001', true],
    ['X|gte: 0', '-0.0', true],
    ['X|gt: 1000', '1.0000000000000000001e3', true],
    ['X|gt: 18446744073709551614', '18446744073709551615', true],
    ['X|gt: 18446744073709551614', 18446744073709551616, true],
    ['X|gt: 5', '1e400', true],
    ['X|gt: 5', 'NaN', false],
  ] as const)
    t.is(item(line, { X: x }), expected, `${line}, ${x}`);
});
