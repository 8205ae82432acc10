import { VERSION } from '../../shared/version.ts';
import { timestamp, uuidOf } from './content-id.ts';
import type { Component, Inventory } from './inventory.ts';

/**
 * The bill of materials in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/): a tree of what contains what, and a graph of
 * what uses what. The same inventory gives the same text.
 * @param epoch the time of the commit, in seconds since 1970
 */
export function cycloneDx({ components, architecture }: Inventory, epoch: number): string {
  const [product, ...rest] = components;
  if (product === undefined) throw new Error('the inventory is empty');
  const content = {
    version: 1,
    metadata: {
      timestamp: timestamp(epoch),
      tools: { components: [{ type: 'application', name: 'npm run package', version: VERSION }] },
      component: component(product),
      properties: [{ name: 'platform-probes:architecture', value: architecture }],
    },
    components: rest.map(component),
    dependencies: components.map(({ ref, contains, uses }) => ({
      ref,
      dependsOn: [...new Set([...contains, ...uses])],
    })),
  };
  const document = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify(content))}`,
    ...content,
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function component({
  ref,
  kind,
  name,
  version,
  license,
  purl,
  cpe,
  purpose,
  sha256,
  sha512,
  shipped,
}: Component): object {
  const hashes = [
    ...(sha256 === undefined ? [] : [{ alg: 'SHA-256', content: sha256 }]),
    ...(sha512 === undefined ? [] : [{ alg: 'SHA-512', content: sha512 }]),
  ];
  return {
    'type': kind,
    'bom-ref': ref,
    name,
    ...(version === undefined ? {} : { version }),
    ...(purpose === undefined ? {} : { description: purpose }),
    'scope': 'required',
    ...(hashes.length === 0 ? {} : { hashes }),
    'licenses': [/ /u.test(license) ? { expression: license } : { license: { id: license } }],
    ...(cpe === undefined ? {} : { cpe }),
    ...(purl === undefined ? {} : { purl }),
    ...(shipped ? {} : { properties: [{ name: 'platform-probes:shipped', value: 'false' }] }),
  };
}
