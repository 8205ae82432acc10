/** Whether a stored line is what was stored: an object as JSON. SQLite has no checksum, and gives wrong bytes back as they are. */
export function isWholeLine(line: unknown): line is string {
  if (typeof line !== 'string' || !line.startsWith('{')) return false;
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
