import test from 'ava';
import { withParts } from './document.ts';
import { dated, sectionOf, withSection } from './part.ts';

const PAGE = '# Page\n\n## Storms\n\na\n\n## Rules\n\nb\n\n## Last\n\nc\n';
const PROVENANCE = { date: '2030-01-02', commit: 'abc', before: [0.1, 2, 3], after: [0.456, 2, 3] };

test('a section takes the place of the one before, or goes before the last of the page', (t) => {
  t.is(withSection(PAGE, '## Rules', '## Rules\n\none\n'), PAGE.replace('b', 'one'));
  t.is(withSection(PAGE, '## Facts', '## Facts\n\none\n'), PAGE.replace('## Last', '## Facts\n\none\n\n## Last'));
  t.is(withSection(PAGE, '## Last', '## Last\n\none\n'), PAGE.replace('c', 'one'));
});

test('what a page has of a section is put back as it was', (t) => {
  for (const heading of ['## Storms', '## Rules', '## Last'])
    t.is(withSection(PAGE, heading, sectionOf(PAGE, heading)!), PAGE);
  t.is(sectionOf(PAGE, '## Facts'), undefined);
});

test('a section says when it was measured, of which commit, and how busy the machine was', (t) => {
  t.is(
    dated('## Rules\n\nb\n', PROVENANCE),
    '## Rules\n\nMeasured 2030-01-02 at commit abc; load of one minute 0.10 before, 0.46 after.\n\nb\n',
  );
});

test('parts that were measured are written into the page, all else stays', (t) => {
  const page = withParts(PAGE, { rules: { result: {}, section: '## Rules\n\nnew\n' } }, PROVENANCE);
  t.is(
    page,
    PAGE.replace('b', 'Measured 2030-01-02 at commit abc; load of one minute 0.10 before, 0.46 after.\n\nnew'),
  );
});
