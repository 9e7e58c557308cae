import type { Start } from "./open-log.ts";

/**
 * What the thread of the heart and the reader's thread say to each other. Messages are small, and
 * the reader sends at most one report every 50 ms, only when something changed.
 */

/**
 * What was read since counting began. Timestamps in the lines decide nothing: they have whole
 * seconds, show the beginning of a request with one server and its end with another, and come from
 * a clock that may step. A line counts if it was *read* after the mark, and the mark is set when
 * everything before it was read.
 */
export interface Count {
  readonly id: string;
  /** Requests that the server answered, our own canaries and excluded clients left out. */
  readonly requests: number;
  /** Those of them that the server answered with 500 to 599. */
  readonly errors: number;
  /** Tags of our own requests that were answered without an error, each once, the newest 64. */
  readonly tags: readonly string[];
  readonly unreadable: number;
}

export interface Recent {
  readonly requests: number;
  readonly errors: number;
  /**
   * Milliseconds that the counts belong to: whole seconds and the present one, so a little less
   * than was asked for.
   */
  readonly span: number;
}

/** What a reader is started with; after its predecessor's death, where that one stood. */
export interface ReaderStart {
  readonly files: readonly { readonly path: string; readonly start: Start }[];
  /** One that compileFormat takes. */
  readonly format: string;
  readonly count: Count | undefined;
  readonly exclusion: Exclusion | undefined;
}

/** Clients whose requests do not count, by address as clientAddress writes it. */
export interface Exclusion {
  /** Of the count that it is for. */
  readonly id: string;
  readonly addresses: readonly string[];
}

/** Each question and the shape of its answer. */
export interface Answers {
  "begin-count": undefined;
  recent: Recent;
  "await-tag": undefined;
}

export type Question =
  | { readonly kind: "begin-count"; readonly id: string }
  | { readonly kind: "recent"; readonly span: number }
  | { readonly kind: "await-tag"; readonly tag: string };

export type ToReader =
  | { readonly kind: "ask"; readonly number: number; readonly question: Question }
  /** Nobody waits for the answer any more. */
  | { readonly kind: "forget"; readonly number: number }
  | { readonly kind: "exclude"; readonly exclusion: Exclusion };

export type FromReader =
  | {
      readonly kind: "answer";
      readonly number: number;
      readonly answer: Answers[keyof Answers];
    }
  /**
   * Counts and positions belong together: whoever goes on from both neither misses a line nor
   * counts one twice.
   */
  | {
      readonly kind: "report";
      /** Undefined where it is as it was. */
      readonly count: Count | undefined;
      readonly positions: readonly Start[];
    }
  /** Of one file; undefined when it is over. */
  | { readonly kind: "trouble"; readonly path: string; readonly sentence: string | undefined };
