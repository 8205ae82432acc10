/**
 * A receiver's text with `***` in place of each secret that it repeats, also where it stands in JSON or in an address. The longest
 * first: one can be a part of another.
 */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  const forms = secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]);
  return [...new Set(forms)]
    .toSorted((a, b) => b.length - a.length)
    .reduce((result, form) => result.replaceAll(form, '***'), text);
}
