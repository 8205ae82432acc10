import { VERSION } from '../../shared/version.ts';
import { timestamp, uuidOf } from './content-id.ts';
import type { Component, Inventory } from './inventory.ts';

interface Relationship {
  readonly spdxElementId: string;
  readonly relationshipType: string;
  readonly relatedSpdxElement: string;
}

const DOCUMENT = 'SPDXRef-DOCUMENT';

const PURPOSES: Readonly<Record<Component['kind'], string>> = {
  application: 'APPLICATION',
  library: 'LIBRARY',
  platform: 'FRAMEWORK',
  file: 'FILE',
};

/**
 * The bill of materials in SPDX 2.3 (https://spdx.github.io/spdx-spec/v2.3/). The same inventory gives the same text.
 * @param epoch the time of the commit, in seconds since 1970
 */
export function spdx({ components, architecture }: Inventory, epoch: number): string {
  const name = `platform-probes-${VERSION}-linux-${architecture}`;
  const ids = new Map(components.map(({ ref }) => [ref, idOf(ref)]));
  if (new Set(ids.values()).size !== components.length) throw new Error('two components have one SPDX identifier');
  const related = (from: string, type: string, to: string): Relationship => ({
    spdxElementId: ids.get(from) ?? DOCUMENT,
    relationshipType: type,
    relatedSpdxElement: ids.get(to) ?? '',
  });
  const content = {
    name,
    creationInfo: {
      created: timestamp(epoch),
      creators: [`Tool: npm run package-${VERSION}`, 'Organization: Platform Probes contributors'],
    },
    packages: components.map((each) => packageOf(each, ids.get(each.ref) ?? '')),
    relationships: [
      related(DOCUMENT, 'DESCRIBES', components[0]?.ref ?? ''),
      ...components.flatMap(({ ref, contains, uses }) => [
        ...contains.map((other) => related(ref, 'CONTAINS', other)),
        ...uses.map((other) => related(ref, 'DEPENDS_ON', other)),
      ]),
    ],
  };
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: DOCUMENT,
    documentNamespace: `https://spdx.org/spdxdocs/${name}-${uuidOf(JSON.stringify(content))}`,
    ...content,
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function packageOf(component: Component, id: string): object {
  const { name, version, license, purl, cpe, purpose, sha256, sha512, shipped, kind } = component;
  const checksums = [
    ...(sha256 === undefined ? [] : [{ algorithm: 'SHA256', checksumValue: sha256 }]),
    ...(sha512 === undefined ? [] : [{ algorithm: 'SHA512', checksumValue: sha512 }]),
  ];
  const references = [
    ...(purl === undefined
      ? []
      : [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }]),
    ...(cpe === undefined
      ? []
      : [{ referenceCategory: 'SECURITY', referenceType: 'cpe23Type', referenceLocator: cpe }]),
  ];
  return {
    name,
    SPDXID: id,
    ...(version === undefined ? {} : { versionInfo: version }),
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    primaryPackagePurpose: PURPOSES[kind],
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: license,
    copyrightText: 'NOASSERTION',
    ...(purpose === undefined ? {} : { summary: purpose }),
    ...(checksums.length === 0 ? {} : { checksums }),
    ...(references.length === 0 ? {} : { externalRefs: references }),
    ...(shipped ? {} : { comment: 'Not shipped: the system brings it.' }),
  };
}

/** Letters, digits, dots and dashes are allowed. */
const idOf = (ref: string): string => `SPDXRef-${ref.replaceAll(/[^\w.-]/gu, '-').replaceAll('_', '-')}`;
