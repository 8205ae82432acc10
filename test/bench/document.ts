import { WARM_EXECS } from './measure.ts';
import { dated, sectionOf, withSection, type AnyPart, type Measured, type Provenance } from './part.ts';
import { PARTS } from './parts.ts';
import type { Load } from './quiet.ts';
import { bareLine, cells, comparisons, HEADINGS, ownFigures, rowsOf, type Results } from './report.ts';

/**
 * docs/benchmarks.md with the storms of these results. Parts that were not measured keep the section that the page has.
 * @param page as it stands
 * @param loadAfter load averages when the bench had rested
 */
export function markdown(results: Results, page: string, loadAfter: Load): string {
  const { date, commit, machine, parts } = results;
  const provenance = { date, commit, before: machine.load, after: loadAfter };
  return pageOf(
    results,
    loadAfter,
    PARTS.map((part) => partSection(part, parts[part.id], page, provenance)).join('\n'),
  );
}

/** A page with the sections of these parts, by id, and else as it was. */
export const withParts = (page: string, parts: Results['parts'], provenance: Provenance): string =>
  PARTS.filter(({ id }) => id in parts).reduce(
    (made, part) => withSection(made, part.heading, partSection(part, parts[part.id], page, provenance)),
    page,
  );

const partSection = (part: AnyPart, measured: Measured | undefined, page: string, provenance: Provenance): string =>
  measured === undefined
    ? (sectionOf(page, part.heading) ?? part.missing('left out in this run'))
    : dated(measured.section, provenance);

/** @param parts the sections of all parts */
function pageOf(results: Results, loadAfter: Load, parts: string): string {
  const { machine, options } = results;
  const measured = results.participants.filter(({ missing }) => missing === undefined);
  const missing = results.participants.filter((each) => each.missing !== undefined);
  return `# Benchmarks

Written by \`npm run bench\`; do not edit. Run it on your own machine: it needs root, and ends what it starts.

    npm run bench -- ${options.arguments}

| | |
|---|---|
| date | ${results.date} |
| measured | commit ${results.commit}, built programs, default settings; a section that was measured at another time says when |
| processor | ${machine.cores} × ${machine.cpu}, ${machine.virtual}, ${machine.memory} |
| system | ${machine.distribution}, kernel ${machine.kernel} |
${loadRows(machine.load, loadAfter)}

On a busy machine the bench does not write this page: the load average of one minute is at most 0.5 before, and after a rest of at most five minutes.

## Summary

${comparisons(results)
  .map((line) => `- ${line}`)
  .join('\n')}

"The best other" is the best of those that report arguments for at least 99 % of their events and lost less than half. If it lost or cut
something, it did less work for its figure.

## Storms

A C program starts a static program that does nothing (\`vfork\`, \`execve\`, \`waitpid\`), again and again, as fast as it can. The arguments
differ each time, so that every single exec can be found in the observer's output and compared. Where a title names a number of programs a second,
it starts them at even intervals, and the waits between them are in no figure.

The order is A B C … A B C …. Shortly before each watched storm the same storm runs with nothing attached. The two are a pair.
Figures are medians of all rounds, with the quartiles in parentheses.

- **added**: time of an exec in the watched storm minus that in its pair; **times bare**: the same as a ratio.
- **added CPU of the exec**: processor time of the starting and the started program, compared in the same way. It leaves out waiting for a
  processor, so it holds on a busy machine too. It also leaves out the cost of a processor that the observer takes away.
- **observer's CPU**: user and system time of all processes of the observer, from the storm's first exec until everything is written, for each exec.
- **memory**: PSS of all its processes when everything is written; in parentheses the highest value during another, untimed storm${
    Object.keys(results.peaks).length > 0 ? '' : ' (left out in this run)'
  }.
  Platform Probes' figure includes the used parts of its ring (8 MiB) and its backlog (16 MiB).
- **lost**: execs that are not in the output. **arguments missing or cut**: execs that are in it without all of their arguments.

${results.shapes
  .map(({ id, title }) => {
    const rows = rowsOf(results, id);
    if (rows.length === 0) return '';
    return `### ${sentence(title)}\n\n${bareLine(rows)}\n\n${row(HEADINGS)}\n${row(HEADINGS.map(() => '---'))}\n${rows.map((each) => row(cells(each))).join('\n')}\n`;
  })
  .join('\n')}
## More about Platform Probes

${row(['', ''])}
${row(['---', '---'])}
${ownFigures(results).map(row).join('\n')}

From exec to file: from the start time of the process, which the event carries and which lies a few microseconds before the exec, until
the line is in the file, which is read every millisecond.${results.slept ? ' The machine has slept since its start, so these figures are wrong.' : ''}

## Tools

${row(['', 'what', 'command'])}
${row(['---', '---', '---'])}
${measured.map(({ title, version, command }) => row([title, version, `\`${command}\``])).join('\n')}
${missing.length === 0 ? '' : `\nNot measured:\n\n${missing.map(({ title, version, missing: reason }) => `- ${title} (${version}): ${reason}`).join('\n')}\n`}
${results.failures.length === 0 ? '' : `Failed in this run, and left out:\n\n${results.failures.map((failure) => `- ${failure}`).join('\n')}\n\n`}${parts}
## Limits of these figures

- Absolute times hold for one machine${machine.virtual === 'virtual machine' ? ', a virtual one that shares its hardware with others' : ''}. Only ratios within this run mean anything, and only where quartiles do not
  overlap. A figure of added time whose quartiles reach below zero is noise.
- ${
    machine.virtual === 'virtual machine'
      ? `The bench used all free memory once before. A host gives a virtual machine its memory page by page, when it is first touched, and an observer whose
  file grows takes longer until then.
- `
      : ''
  }A static program that does nothing is the worst case. Starting a real one takes milliseconds; the added time stays the same.
- With ${machine.cores} processors, one process that starts programs leaves the others to the observer; with two of them there is no free one here, and
  processor time of the reader turns into added time.
- At a pace, the processors rest between two programs and wake up slowly, with cold caches. That makes each program and each observer slower than in a storm, and
  added time less certain: compare the processor time of the observers. Counted per event, an observer that looks at fixed intervals costs more the fewer programs start.
- Every observer was warm: it had seen ${Math.max(options.execs, WARM_EXECS).toLocaleString('en')} short execs, then the same storm once. Ours is JavaScript and slower in its first seconds. Its work five seconds after
  the start, when it gives memory back and collects its garbage once (some 50 ms of processor time), was over.
- The observers write different things. bpftrace and execsnoop write pid, name and arguments joined by spaces; auditd some ten fields in
  several records; Platform Probes some thirty fields as JSON, flushed to the file as they come. execsnoop and forkstat collect a few KiB
  before they write. That costs less, and the output comes later: up to minutes later on a quiet machine.
- No processor time here includes interrupts, the kernel's work for writing files, or the probe in the kernel. The added time includes the probe.
- forkstat reads the command line of a process after the fact. Lines without one cannot be assigned to an exec. They were
  counted as the storm's, up to the number that was missing.
- bpftrace and auditd see the call, execsnoop its return, Platform Probes the point at which the kernel can no longer refuse.
${
  measured.some(({ id }) => id === 'quark' || id === 'tetragon')
    ? `- quark and Tetragon follow forks and ends too, and cannot be told not to. quark writes one line for all three; Tetragon's export had execs alone.
  Tetragon's lines have no \`argv[0]\`; the path of the image was taken for it.
`
    : ''
}- auditd had its package's configuration, except the log's place and rotation (with laurel: no log of its own), and \`-b 8192\` as its package's rules have. Once an audit rule
  was loaded, a kernel prepares every process for it until the next boot; between its runs, a rule \`never,task\` kept that away from the others.
`;
}

/** The load averages before the start, and when the bench had rested, as rows of the page's table. */
export const loadRows = (before: Load, after: Load): string =>
  `| load before (1, 5, 15 minutes) | ${averages(before)} |\n| load after, when the bench had rested | ${averages(after)} |`;

const averages = (load: Load): string => load.map((value) => value.toFixed(2)).join(', ');
const row = (values: readonly string[]): string =>
  `| ${values.map((value) => value.replaceAll('|', '\\|')).join(' | ')} |`;
const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
