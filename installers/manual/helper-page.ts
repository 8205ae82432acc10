import { exitStatuses } from '../../helper/errors.ts';
import { auditFlags, COMMANDS, runFlags, type Flag } from '../../helper/flags.ts';
import { entry, files, nameSection, pageOf, seeAlso, sentence } from './common.ts';
import { bold, italic, paragraph, prose, type Block, type Page, type Roff } from './roff.ts';

const NAME = 'probes-helper';

/** probes-helper(8), for Linux. */
export function helperPage(epoch: number): Page {
  return pageOf(NAME, 8, epoch, [
    nameSection(NAME, 'own the tracing session and forward its events, without privilege'),
    [
      'SYNOPSIS',
      COMMANDS.flatMap(({ name, flags }): Block[] => [
        { paragraph: prose`${bold(`${NAME} ${name}`)}${flags === undefined ? '' : prose` [${italic('flags')}]`}` },
      ]),
    ],
    [
      'DESCRIPTION',
      [
        paragraph`${bold(NAME)} watches which programs are started on this machine. It loads a small program into the kernel (eBPF), which numbers every start before it reports it, and forwards the events as lines of JSON to everyone who may connect to a Unix socket.`,
        paragraph`It begins as root. Before it serves anyone it becomes the user of ${bold('--user')}, gives up every capability on every thread, and lets a filter refuse all system calls that forwarding does not need. It reads nothing that a client sends. ${bold('probes-agent')}(8) is the client that filters, applies rules and delivers.`,
        paragraph`Every event has a number. A number that is missing was lost, and an event of type ${bold('gap')} says so: which numbers, where, and why. The newest events are kept for clients that come back (${bold('--backlog')}).`,
        paragraph`It needs Linux 5.8 or newer with BTF (${italic('/sys/kernel/btf/vmlinux')}), and libbpf 1.`,
      ],
    ],
    ['COMMANDS', COMMANDS.map(({ name, text }) => entry(bold(name), prose`${sentence(text)}`))],
    [
      'OPTIONS',
      [
        paragraph`Sizes are bytes, or take the unit KiB, MiB or GiB. A default stands in parentheses.`,
        { subheading: 'Flags of run' },
        ...flagEntries(runFlags('linux')),
        { subheading: 'Flags of audit' },
        ...flagEntries(auditFlags('linux')),
      ],
    ],
    [
      'FILES',
      files({
        '/run/platform-probes/events.sock':
          'The socket, mode 0660, owned by root and the group of --group. Its folder has mode 0750.',
        '/run/platform-probes/events.sock.lock': 'Held by the helper that serves the socket.',
        '/sys/fs/bpf/platform-probes/':
          'With --pin: the programs and buffers that stay in the kernel. Only root can open them.',
        '/usr/libexec/platform-probes/':
          'The helper, and the files that it loads. Only root may be able to write to them.',
        '/usr/lib/systemd/system/probes-helper.service': 'The service.',
        '/usr/libexec/platform-probes/manifest.json': 'Size and SHA-256 of each of these files, for audit --manifest.',
      }),
    ],
    [
      'SIGNALS',
      [
        entry(
          bold('SIGTERM, SIGINT, SIGHUP'),
          prose`Take no new clients, give those that are connected a second to take what is there, and end.`,
        ),
      ],
    ],
    ['EXIT STATUS', exitStatuses().map(([status, meaning]) => entry(bold(String(status)), prose`${meaning}`))],
    [
      'ENVIRONMENT',
      [
        paragraph`None. The helper reads no environment variable and no configuration file. When there are variables, it starts itself again without them before it loads anything.`,
      ],
    ],
    [
      'EXAMPLES',
      [
        paragraph`Report execs, ends of programs and failed execs, and keep the probe in the kernel across restarts:`,
        { code: [`${NAME} run --pin --exits --failures`] },
        paragraph`Read the events as any member of the group probes can:`,
        { code: ['socat -u UNIX-CONNECT:/run/platform-probes/events.sock STDOUT'] },
        paragraph`Compare the running helper with the files that were released:`,
        { code: [`${NAME} audit \\`, '    --manifest /usr/libexec/platform-probes/manifest.json'] },
      ],
    ],
    [
      'SECURITY',
      [
        paragraph`Everyone in the socket's group sees the command lines of all users, including passwords in them. Put only the user of the agent into it.`,
        paragraph`The first line to every client says which privileges the helper has left, as it read them back from the kernel. ${bold('audit')} compares the running process, the programs in the kernel and the files with the release; root runs it, and it exits with 1 when something is off.`,
        paragraph`Root can stop the helper. Clients notice that.`,
      ],
    ],
    ['SEE ALSO', seeAlso(['probes-agent', 8], ['probes-agent.yaml', 5], ['bpf', 2], ['capabilities', 7])],
  ]);
}

function flagEntries(flags: readonly Flag[]): Block[] {
  return flags
    .filter(({ available }) => available)
    .map(({ name, value, text, choices }) => {
      const term: Roff = value === undefined ? bold(`--${name}`) : prose`${bold(`--${name}`)} ${italic(value)}`;
      const known = choices === undefined || text.includes(choices.join(', ')) ? '' : ` One of ${choices.join(', ')}.`;
      return entry(term, prose`${sentence(text)}${known}`);
    });
}
