import { meaningOf, statusText } from '../web/status.ts';
import type { ItemResult } from './reply.ts';

/** The fate of one document. */
export type ItemVerdict =
  | { readonly kind: 'taken' }
  /** It says nothing about the document: later it may be taken. */
  | { readonly kind: 'again'; readonly reason: string }
  /** The receiver does not let us write. */
  | { readonly kind: 'unauthorized'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** With `create`: a document of this id is there already. */
const CONFLICT = 409;

const ADVICE: Readonly<Record<string, string>> = {
  cluster_block_exception: 'the index is closed to writes, as when a disk is nearly full',
  es_rejected_execution_exception: 'the cluster has more to do than it can',
  index_not_found_exception: 'there is no such index or data stream; make it, or install the index template',
  rejected_execution_exception: 'the cluster has more to do than it can',
};

/** Judges one document by what the reply says of it. */
export function verdictOf({ status, error }: ItemResult): ItemVerdict {
  if (status === CONFLICT) return { kind: 'taken' };
  const advice = ADVICE[error ?? ''];
  const reason = `status ${statusText(status)} for a document${error === undefined ? '' : `, ${error}`}${advice === undefined ? '' : `: ${advice}`}`;
  // A blocked index is no matter of who asks, although older versions answer 403.
  if (error === 'cluster_block_exception') return { kind: 'again', reason };
  const kind = meaningOf(status);
  switch (kind) {
    case 'taken':
      return { kind };
    case 'unauthorized':
      return { kind, reason: `${reason}: the user may not write there; see auth` };
    case 'retry':
      return { kind: 'again', reason };
    default:
      return { kind: 'refused', reason };
  }
}
