/** Groups documents by each of their names. A document with two names is in two groups. */
export function byName<T>(
  documents: Iterable<T>,
  namesOf: (document: T) => readonly string[],
): ReadonlyMap<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const document of documents)
    for (const name of new Set(namesOf(document))) {
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [document]);
      else group.push(document);
    }
  return groups;
}
