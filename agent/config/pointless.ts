/** Finds outputs that would never get an event: they want alerts, and there are no rules. Checks the data before validation. */
export function findPointless(data: unknown): Array<{ path: PropertyKey[]; message: string }> {
  const { outputs, rules } = (data ?? {}) as { outputs?: unknown; rules?: unknown };
  if (rules !== undefined || !Array.isArray(outputs)) return [];
  return outputs.flatMap((output: { events?: unknown } | null, index) =>
    output?.events === 'alerts'
      ? [
          {
            path: ['outputs', index, 'events'],
            message: 'there are no alerts without rules; "rules: {}" uses the starter rules',
          },
        ]
      : [],
  );
}
