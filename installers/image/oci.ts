import { zstd } from '../linux/compression.ts';
import { sha256 } from '../programs/manifest.ts';
import { withFolders, type TreeEntry } from '../tools/tree.ts';
import { tar } from './tar.ts';

/** Media types of the OCI image specification 1.1 (media-types.md). */
const TYPES = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  // Not gzip: that of Node.js gives other bytes on other processors.
  layer: 'application/vnd.oci.image.layer.v1.tar+zstd',
} as const;

/** The annotations that name an image in an archive: the specification's, and the one that containerd reads. */
const REFERENCE = 'org.opencontainers.image.ref.name';
const CONTAINERD_NAME = 'io.containerd.image.name';

/** The specification's descriptor of a blob. */
interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly architecture: string; readonly os: 'linux' };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The image of one architecture. */
export interface ImageContents {
  /** By the specification's name: `amd64`, `arm64`. */
  readonly architecture: string;
  /** The file system, one layer after the other; each without the folders above its entries. */
  readonly layers: readonly (readonly TreeEntry[])[];
  /** How a container starts: `config` of the specification's config.md. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The contents of each layer, for people: `created_by` of its history. */
  readonly history: readonly string[];
}

/** An image and all blobs that it consists of. */
export interface Image {
  readonly descriptor: Descriptor;
  readonly blobs: ReadonlyMap<string, Buffer>;
}

/** Makes an image. The same contents give the same digests. @param created seconds since 1970 */
export function image({ architecture, layers, config, history }: ImageContents, created: number): Image {
  const blobs = new Map<string, Buffer>();
  const time = new Date(created * 1000).toISOString().replace('.000', '');
  const descriptors: Descriptor[] = [];
  const diffIds: string[] = [];
  for (const layer of layers) {
    const archive = tar(withFolders(layer));
    diffIds.push(`sha256:${sha256(archive)}`);
    descriptors.push(add(blobs, TYPES.layer, zstd(archive)));
  }
  const configDescriptor = addJson(blobs, TYPES.config, {
    created: time,
    architecture,
    os: 'linux',
    config,
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: history.map((text) => ({ created: time, created_by: text })),
  });
  const manifest = { schemaVersion: 2, mediaType: TYPES.manifest, config: configDescriptor, layers: descriptors };
  return {
    descriptor: { ...addJson(blobs, TYPES.manifest, manifest), platform: { architecture, os: 'linux' } },
    blobs,
  };
}

/** One name for the images of several architectures. */
export function multiArchitecture(images: readonly Image[]): Image {
  const blobs = new Map(images.flatMap((each) => [...each.blobs]));
  const manifests = images.map(({ descriptor }) => descriptor);
  return { descriptor: addJson(blobs, TYPES.index, { schemaVersion: 2, mediaType: TYPES.index, manifests }), blobs };
}

/**
 * The image as one file: a tar archive of the specification's image-layout.md, which podman, skopeo, containerd and
 * Docker load.
 * @param name with which it is loaded, such as `platform-probes`
 */
export function layoutArchive({ descriptor, blobs }: Image, name: string, tag: string): Buffer {
  const annotations = { [REFERENCE]: tag, [CONTAINERD_NAME]: `localhost/${name}:${tag}` };
  const index = { schemaVersion: 2, mediaType: TYPES.index, manifests: [{ ...descriptor, annotations }] };
  const files: TreeEntry[] = [
    { path: 'oci-layout', mode: 0o644, data: json({ imageLayoutVersion: '1.0.0' }) },
    { path: 'index.json', mode: 0o644, data: json(index) },
  ];
  for (const [digest, data] of blobs) files.push({ path: `blobs/${digest.replace(':', '/')}`, mode: 0o644, data });
  return tar(withFolders(files));
}

function add(blobs: Map<string, Buffer>, mediaType: string, data: Buffer): Descriptor {
  const digest = `sha256:${sha256(data)}`;
  blobs.set(digest, data);
  return { mediaType, digest, size: data.length };
}

const addJson = (blobs: Map<string, Buffer>, mediaType: string, value: unknown): Descriptor =>
  add(blobs, mediaType, json(value));

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
