import { VERSION } from '../../shared/version.ts';
import { LIBEXEC, linuxPayload, type LinuxArchitecture } from '../linux/payload.ts';
import { inCheckout } from '../tools/root-folder.ts';
import type { TreeEntry } from '../tools/tree.ts';
import { readFileSync } from 'node:fs';
import { baseLayer, IDS } from './base.ts';
import { DEBIAN_NAMES } from './debian-packages.ts';
import { image, layoutArchive, multiArchitecture, type Image } from './oci.ts';

/** The image's name and tag, as it is loaded. */
export const NAME = 'platform-probes';

/** Of an installation on Linux, the parts that do something in a container. Services, users and man pages do not. */
const PARTS = [
  `${LIBEXEC}/`,
  'usr/bin/',
  'usr/sbin/',
  'usr/share/doc/',
  'usr/share/licenses/',
  'usr/share/platform-probes/',
];

/** @param revision the commit; @param created its time, in seconds since 1970 */
export interface ImageOptions {
  readonly revision: string;
  readonly created: number;
}

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

/** The image of one architecture. */
export async function productImage(architecture: LinuxArchitecture, options: ImageOptions): Promise<Image> {
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
          'org.opencontainers.image.revision': options.revision,
          'org.opencontainers.image.licenses': 'Apache-2.0',
        },
      },
    },
    options.created,
  );
}

/** The file that engines load: one architecture, or several under one name. */
export async function imageArchive(
  architectures: readonly LinuxArchitecture[],
  options: ImageOptions,
): Promise<{ archive: Buffer; digest: string }> {
  const images: Image[] = [];
  for (const architecture of architectures) images.push(await productImage(architecture, options));
  const [only] = images;
  const whole = images.length === 1 && only !== undefined ? only : multiArchitecture(images);
  return { archive: layoutArchive(whole, NAME, VERSION), digest: whole.descriptor.digest };
}
