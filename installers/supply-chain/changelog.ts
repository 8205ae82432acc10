import { readFileSync } from 'node:fs';

import { VERSION } from '../../shared/version.ts';
import { inCheckout } from '../tools/root-folder.ts';

/** The changes of one version. */
export interface ChangelogEntry {
  readonly version: string;
  /** Seconds since 1970. */
  readonly time: number;
  /** Plain text, one line each. */
  readonly changes: readonly string[];
}

/**
 * The versions of CHANGELOG.md, the newest first. All that is not released yet belongs to the version that is being made.
 * @param epoch the time of that version, in seconds since 1970
 * @throws {Error} for a heading that has neither a date nor says that it is not released
 */
export function changelogEntries(
  epoch: number,
  markdown: string = readFileSync(inCheckout('CHANGELOG.md'), 'utf8'),
): ChangelogEntry[] {
  const current: string[] = [];
  const released: ChangelogEntry[] = [];
  for (const section of markdown.split(/^## /mu).slice(1)) {
    const [heading = ''] = section.split('\n', 1);
    const changes = changesIn(section);
    const [, version, date] = /^(\d+\.\d+\.\d+\S*) [–-] (\d{4}-\d\d-\d\d)$/u.exec(heading) ?? [];
    if (version !== undefined && date !== undefined && version !== VERSION)
      released.push({ version, time: Date.parse(`${date}T00:00:00Z`) / 1000, changes });
    else if (version === VERSION || /^unreleased$|not released$/iu.test(heading)) current.push(...changes);
    else
      throw new Error(
        `CHANGELOG.md: the section "${heading}" has no date (YYYY-MM-DD) and does not say "not released"`,
      );
  }
  return [{ version: VERSION, time: epoch, changes: current }, ...released];
}

/** The points of a section, each under its heading: `Fixed: …`. Links keep their text alone. */
function changesIn(section: string): string[] {
  return section.split(/^### /mu).flatMap((part, index) => {
    const [heading = '', ...lines] = part.split('\n');
    const points = lines.join('\n').split(/^- /mu).slice(1);
    return points.map((point) => `${index === 0 ? '' : `${plain(heading)}: `}${plain(point)}`);
  });
}

const plain = (markdown: string): string =>
  markdown
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/gu, '$1')
    .replaceAll(/[`*]/gu, '')
    .replaceAll(/\s+/gu, ' ')
    .trim();

/**
 * The changelog of a Debian package (https://www.debian.org/doc/debian-policy/ch-source.html#debian-changelog-debian-changelog).
 * @param maintainer name and address, `NAME <ADDRESS>`
 * @param versionOf the package's version for one of CHANGELOG.md
 */
export function debianChangelog(
  entries: readonly ChangelogEntry[],
  maintainer: string,
  versionOf: (version: string) => string,
): string {
  return entries
    .map(
      ({ version, time, changes }) => `platform-probes (${versionOf(version)}) unstable; urgency=medium

${changes.map((change) => `${wrapped(change)}\n`).join('')}
 -- ${maintainer}  ${new Date(time * 1000).toUTCString().replace('GMT', '+0000')}
`,
    )
    .join('\n');
}

/** A point with its star, in lines of at most 80 columns. */
function wrapped(text: string): string {
  const lines = ['  *'];
  for (const word of text.split(' ')) {
    const line = `${lines.at(-1)} ${word}`;
    if (line.length <= 80) lines[lines.length - 1] = line;
    else lines.push(`    ${word}`);
  }
  return lines.join('\n');
}
