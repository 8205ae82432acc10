/** Outputs that would never get an event: alerts come from rules, and there are none. Looks at the data as read. */
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
