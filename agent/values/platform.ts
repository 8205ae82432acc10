/** A system that events come from, by the name that Sigma and ECS give it. */
export type Platform = (typeof PLATFORMS)[number];
export const PLATFORMS = ['linux', 'macos', 'windows'] as const;

/** The platform of this machine. */
export function hostPlatform(): Platform {
  return process.platform === 'win32' ? 'windows' : process.platform === 'darwin' ? 'macos' : 'linux';
}
