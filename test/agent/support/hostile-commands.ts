/** Arguments that other users can choose, to break a page: each is one argv. */
export const HOSTILE_COMMANDS: readonly (readonly string[])[] = [
  ['sh', '-c', '<script>window.hacked = 1</script>'],
  ['sh', '<img src=x onerror="window.hacked=1">', '<svg/onload=window.hacked=1>'],
  ['echo', '"><iframe srcdoc="<script>parent.hacked=1</script>">', "'-alert(1)-'", '</span></li></ol><h1>big</h1>'],
  ['echo', '{{constructor.constructor("window.hacked=1")()}}', '${window.hacked=1}', 'javascript:window.hacked=1'],
  ['rtl', '\u202Egnp.exe', '\u2066\u2067abc\u2069', '\u05D0\u05D1\u05D2 \u0627\u0644\u0639\u0631\u0628\u064A\u0629'],
  ['controls', '\u0000\u0001\u0007\u001B[2J\u001B]0;owned\u0007', 'a\r\nb\tc\u0085d\u2028e\u2029f'],
  ['zalgo', `z${'\u0300\u0301\u0302\u0303\u0304'.repeat(60)}a${'\u0316\u0317\u0318'.repeat(60)}`],
  ['emoji', '\u{1F468}\u200D\u{1F469}\u200D\u{1F467}\u200D\u{1F466}'.repeat(200), '\u{1F1E6}\u{1F1FA}'.repeat(50)],
  ['wide', '\uFDFD'.repeat(300), '\u{12031}'.repeat(100), 'W'.repeat(3000)],
  ['halves', '\uD800', 'x\uDC00y', '\uD83D'.repeat(50)],
  ['invisible', '\u200B\u200C\u200D\uFEFF'.repeat(100), '\u3164\u115F', '\u{E0041}\u{E0042}'],
  ['', '', ' ', '   '],
  ['many', ...Array.from({ length: 3000 }, (_, i) => `-${i}`)],
  ['long', 'A'.repeat(2 * 1024 * 1024)],
  ['entities', '&lt;b&gt;', '&#x3c;script&#x3e;', '%3Cscript%3E', '\\u003cscript\\u003e'],
];
