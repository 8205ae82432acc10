import { readFileSync } from 'node:fs';

import { VERSION } from '../../shared/version.ts';
import { LICENSE, NAME } from '../linux/identity.ts';
import { LIBEXEC, linuxPayload, type LinuxArchitecture } from '../linux/payload.ts';
import { inCheckout } from '../tools/root-folder.ts';
import type { TreeEntry } from '../tools/tree.ts';
import { baseLayer, IDS } from './base.ts';
import { DEBIAN_NAMES } from './debian-packages.ts';
import { image, layoutArchive, multiArchitecture, type Image } from './oci.ts';

/** Of an installation on Linux, the parts that do something in a container. Services, users and man pages do not. */
const PARTS = [
  `${LIBEXEC}/`,
  'usr/bin/',
  'usr/sbin/',
  'usr/share/doc/',
  'usr/share/licenses/',
  'usr/share/platform-probes/',
];

/** The layer of the product. */
export async function productLayer(architecture: LinuxArchitecture): Promise<TreeEntry[]> {
  const payload = await linuxPayload(architecture);
  return [
    ...payload.filter(({ path }) => PARTS.some((part) => path.startsWith(part))),
    {
      path: 'etc/platform-probes/agent.yaml',
      mode: 0o644,
      data: readFileSync(inCheckout('installers/image/agent.yaml')),
    },
  ];
}

/** The image of one architecture. @param created seconds since 1970 */
export async function productImage(architecture: LinuxArchitecture, created: number): Promise<Image> {
  const layers = [baseLayer(architecture), await productLayer(architecture)];
  return image(
    {
      architecture: DEBIAN_NAMES[architecture],
      layers,
      history: ['libraries of Debian', `Platform Probes ${VERSION}`],
      config: {
        // The agent; the helper needs root and more, and whoever starts it says so.
        User: `${IDS.agent}:${IDS.probes}`,
        Cmd: ['probes-agent', 'run'],
        Env: ['PATH=/usr/sbin:/usr/bin'],
        WorkingDir: '/',
        Labels: {
          'org.opencontainers.image.title': 'Platform Probes',
          'org.opencontainers.image.version': VERSION,
          'org.opencontainers.image.licenses': LICENSE,
        },
      },
    },
    created,
  );
}

/** The file that engines load: one architecture, or several under one name. @param created seconds since 1970 */
export async function imageArchive(
  architectures: readonly LinuxArchitecture[],
  created: number,
): Promise<{ archive: Buffer; digest: string }> {
  const images: Image[] = [];
  for (const architecture of architectures) images.push(await productImage(architecture, created));
  const [only] = images;
  const whole = images.length === 1 && only !== undefined ? only : multiArchitecture(images);
  return { archive: layoutArchive(whole, NAME, VERSION), digest: whole.descriptor.digest };
}
