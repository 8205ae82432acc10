/** A system that events come from, by the name that Sigma and ECS give it. */
export type Platform = 'linux' | 'macos' | 'windows';

/** The platform of this machine. */
export function hostPlatform(): Platform {
  return process.platform === 'win32' ? 'windows' : process.platform === 'darwin' ? 'macos' : 'linux';
}
