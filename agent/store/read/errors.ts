/** A query that cannot be answered. The message says where it is wrong, or what to do. */
export class QueryError extends Error {
  override readonly name = 'QueryError';
}
