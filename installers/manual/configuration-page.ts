import { DEFAULT_CONFIG_FILE } from '../../agent/config/load.ts';
import { ended, entry, files, nameSection, pageOf, seeAlso } from './common.ts';
import { configurationKeys, type Key } from './configuration-keys.ts';
import { bold, italic, paragraph, prose, type Block, type Page } from './roff.ts';

const NAME = 'probes-agent.yaml';

/** probes-agent.yaml(5). */
export function configurationPage(epoch: number): Page {
  const { top, types, shared } = configurationKeys();
  return pageOf(NAME, 5, epoch, [
    nameSection(NAME, 'configuration of probes-agent'),
    ['SYNOPSIS', [{ paragraph: italic(DEFAULT_CONFIG_FILE) }]],
    [
      'DESCRIPTION',
      [
        paragraph`${bold('probes-agent')}(8) reads this file when it starts and when it gets SIGHUP. It is YAML 1.2. An unknown key is an error; ${bold('probes-agent check')} reports every error with its line and column, and what was probably meant.`,
        paragraph`Sizes are a whole number and one of B, KiB, MiB, GiB and TiB (powers of 1024): 64MiB. Durations are a whole number and one of ms, s, m, h and d: 5s. A number without its unit is refused.`,
        paragraph`A dot stands between a key and one inside it, and [] after a key whose value is a list.`,
        paragraph`Keys that end in ${bold('_file')}, and ${bold('tls.key')}, name a file with a secret by its absolute path, or as ${bold('$CREDENTIALS_DIRECTORY/NAME')} for a service that systemd gives credentials.`,
      ],
    ],
    ['KEYS', top.map(keyEntry)],
    [
      'OUTPUTS',
      [
        paragraph`Each entry of ${bold('outputs')} has a ${bold('type')}, the keys of that type, and the keys that types share.`,
        ...types.map(({ type, description }) => entry(bold(`type: ${type}`), prose`${ended(description)}`)),
        ...shared.flatMap(({ types: names, keys }): Block[] => [
          { subheading: names.length === types.length ? 'Keys of all outputs' : `Keys of ${list(names)}` },
          ...keys.map(keyEntry),
        ]),
        ...types.flatMap(({ type, keys }): Block[] =>
          keys.length === 0 ? [] : [{ subheading: `Keys of ${type}` }, ...keys.map(keyEntry)],
        ),
      ],
    ],
    [
      'FILES',
      files({
        [DEFAULT_CONFIG_FILE]: 'The configuration. It holds no secrets and may be read by all.',
        '/etc/platform-probes/rules/': 'A folder for Sigma rules, for rules.folders.',
      }),
    ],
    [
      'EXAMPLES',
      [
        paragraph`All events in a file that rotates, alerts in one of their own:`,
        {
          code: [
            'rules:',
            '  builtin: true',
            '  folders: [/etc/platform-probes/rules]',
            'outputs:',
            '  - name: events',
            '    type: file',
            '    path: /var/log/platform-probes/events.jsonl',
            '  - name: alerts',
            '    type: file',
            '    path: /var/log/platform-probes/alerts.jsonl',
            '    events: alerts',
          ],
        },
        paragraph`Alerts to a web server, kept on disk while it cannot be reached:`,
        {
          code: [
            'spool:',
            '  folder: /var/lib/platform-probes/spool',
            'rules: {}',
            'outputs:',
            '  - name: soc',
            '    type: http',
            '    url: https://events.example/in',
            '    events: alerts',
            '    auth:',
            '      token_file: $CREDENTIALS_DIRECTORY/token',
          ],
        },
      ],
    ],
    ['SEE ALSO', seeAlso(['probes-agent', 8], ['probes-helper', 8], ['systemd.exec', 5])],
  ]);
}

function keyEntry({ path, description, required, schema }: Key): Block {
  const notes = [
    valuesOf(schema),
    required ? 'Required.' : '',
    schema.default === undefined || typeof schema.default === 'object' ? '' : `Default: ${String(schema.default)}.`,
  ].filter((note) => note !== '');
  return entry(bold(path), prose`${[ended(description), ...notes].join(' ')}`);
}

/** The values that a key takes, where they are few or bounded. */
function valuesOf({ enum: values, minimum, maximum }: Key['schema']): string {
  if (values !== undefined) return `One of ${values.map(String).join(', ')}.`;
  if (minimum !== undefined && maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER)
    return `From ${minimum} to ${maximum}.`;
  return '';
}

/** `a, b and c`. */
function list(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
