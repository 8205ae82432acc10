import type { Range } from './numbers.ts';

/** Lines of a seal are not there. */
export interface MissingLines {
  readonly kind: 'lines_missing';
  readonly seal: number;
  readonly from: number;
  readonly to: number;
  /** Events that are missing, of `sent`. */
  readonly events: number;
  readonly sent: number;
  /** Numbers whose gaps are missing, of `gap`. */
  readonly gap_numbers: number;
  readonly gap: number;
  /** Lines without a number that are missing, gaps aside. */
  readonly others: number;
  /** Exactly these numbers are missing. Only where the seal says that nothing was filtered. */
  readonly numbers?: readonly Range[];
  /** `numbers` is cut. */
  readonly more?: true;
}

/** Something that keeps a stream from being complete. Ranges hold both ends. */
export type Problem =
  | MissingLines
  /** No seal covers these numbers. */
  | {
      readonly kind: 'uncovered';
      readonly from: number;
      readonly to: number;
      /** Events in that range that are there. */
      readonly held: number;
      /** The seals that are missing, where that can be told. */
      readonly seals?: Range;
    }
  /** Seals are missing, and other seals cover their numbers, or they covered none, or they lay behind the last one that is there. */
  | { readonly kind: 'seals_missing'; readonly seals: Range; readonly from: number }
  /** A seal does not continue the one before. */
  | {
      readonly kind: 'chain';
      readonly seal: number;
      readonly from: number;
      readonly to: number;
      readonly reason: string;
    }
  /** All lines of a seal are there, and one was changed. */
  | { readonly kind: 'changed'; readonly seal: number; readonly from: number; readonly to: number }
  /** A seal contradicts itself. */
  | {
      readonly kind: 'arithmetic';
      readonly seal: number;
      readonly from: number;
      readonly to: number;
      readonly reason: string;
    }
  /** Nothing can be judged: there is no seal, or only one in the middle of which the input begins. */
  | { readonly kind: 'no_seal'; readonly lines: number };

/** Something worth knowing that is no loss. */
export type Note =
  /** The seals before are not in the input. */
  | { readonly kind: 'begins_with'; readonly seal: number; readonly from: number }
  /** The input begins in the middle of this seal; it is judged from the next one on. */
  | { readonly kind: 'begins_within'; readonly seal: number; readonly from: number; readonly to: number }
  /** The probe was loaded anew: these numbers were never given, and nothing was watched between. */
  | { readonly kind: 'not_watched'; readonly from: number; readonly to: number }
  /** The agent had lost its place: a further chain begins. */
  | { readonly kind: 'chain_began_again'; readonly from: number }
  /** There are more lines under a seal than it covers: from before a crash, or added. */
  | {
      readonly kind: 'surplus';
      readonly seal: number;
      readonly from: number;
      readonly to: number;
      readonly lines: number;
    }
  /** Whether lines of these seals were changed is not known. `moved`: some stand under another seal's number. */
  | { readonly kind: 'unchecked'; readonly seals: number; readonly reason: 'rewritten' | 'several_forms' | 'moved' }
  /** Lines that carry no number of a seal. */
  | { readonly kind: 'unsealed_lines'; readonly lines: number };

/** Gaps of one hop and cause. */
export interface GapSummary {
  readonly hop: string;
  readonly cause: string;
  readonly gaps: number;
  readonly numbers: number;
  /** The first ones. */
  readonly ranges: readonly Range[];
}

/** The judgement of one stream. */
export interface Verdict {
  readonly host_id: string;
  readonly host: string;
  readonly boot_id: string | undefined;
  readonly stream: string;
  readonly complete: boolean;
  /** The first number that was judged. Absent where nothing was. */
  readonly from?: number;
  /** Each number from `from` to this one is accounted for. Absent where there is none. */
  readonly complete_to?: number;
  /** The last number that a seal covers. */
  readonly sealed_to?: number;
  readonly seals: number;
  /** Numbers from `from` to `sealed_to`: with an event, filtered, in gaps. */
  readonly events: number;
  readonly filtered: number;
  readonly in_gaps: number;
  readonly gaps: readonly GapSummary[];
  /** The first ones, in the order of their numbers; `problem_count` of them in all. */
  readonly problems: readonly Problem[];
  readonly problem_count: number;
  readonly notes: readonly Note[];
  /** Events after the last seal, which are not judged. */
  readonly unsealed?: { readonly events: number; readonly first: number; readonly last: number };
}
