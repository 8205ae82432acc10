import { VERSION } from '../../shared/version.ts';

/** Of the package, and of the folders that are its own in /etc, /var and /usr. */
export const NAME = 'platform-probes';

/** One line, without the name and without a full stop. */
export const SUMMARY = 'reports every program that is started, and proves that none is missing';

/** Paragraphs. */
export const DESCRIPTION: readonly string[] = [
  'A helper traces program starts with eBPF as root, gives up every privilege, and forwards them over a one-way socket. An agent without privileges filters them, applies Sigma rules, and writes or sends the events.',
  'A counter in the kernel numbers every event, so that a loss anywhere on the way is noticed and reported.',
];

/** The project has no mail address yet. The top-level domain .invalid (RFC 2606) says so. */
export const MAINTAINER = 'Platform Probes maintainers <maintainers@platform-probes.invalid>';

/** SPDX. Licences of what comes from others are in the folder of documents. */
export const LICENSE = 'Apache-2.0';

/**
 * The version in the form that both dpkg and rpm sort: `0.2.0-rc.1` becomes `0.2.0~rc.1`, which comes before `0.2.0`.
 * https://www.debian.org/doc/debian-policy/ch-controlfields.html#version
 */
export function packageVersion(version: string = VERSION): string {
  return version.replace('-', '~').replaceAll('-', '.');
}
