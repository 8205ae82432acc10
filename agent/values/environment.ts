/** The fields of an event about the environment of its process. */
export interface Environment {
  readonly env?: Readonly<Record<string, string>>;
  readonly env_repeated?: Readonly<Record<string, readonly string[]>>;
}

/**
 * Variables in the order of `env`; those of a name that stands more than once are all there, one after the other.
 * @returns undefined where none is known
 */
export function variablesOf({
  env,
  env_repeated: repeated,
}: Environment): (readonly [name: string, value: string])[] | undefined {
  if (env === undefined) return undefined;
  return Object.entries(env).flatMap(([name, value]) => {
    const more = repeated !== undefined && Object.hasOwn(repeated, name) ? repeated[name]! : [];
    return [value, ...more].map((each) => [name, each] as const);
  });
}

/** The same, each as `NAME=value`. */
export function assignmentsOf(environment: Environment): string[] | undefined {
  return variablesOf(environment)?.map(([name, value]) => `${name}=${value}`);
}
