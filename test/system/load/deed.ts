/** What became of one thing that a visitor did. Times are milliseconds on CLOCK_MONOTONIC. */
export type Deed = Page | Closing | Download;

interface Page {
  readonly kind: "page";
  /** When it was complete, or failed. */
  readonly at: number;
  readonly took: number;
  /** Empty: it came. */
  readonly why: string;
}

/** A keep-alive connection that its client had not closed. */
interface Closing {
  readonly kind: "closing";
  readonly at: number;
  /** `orderly`: HTTP's own way, between two requests. */
  readonly how: "orderly" | "reset" | "crossed";
}

interface Download {
  readonly kind: "download";
  readonly at: number;
  readonly took: number;
  readonly bytes: number;
  /** The machine it came from; empty where nothing came. */
  readonly who: string;
  /** Empty: it came whole. */
  readonly why: string;
}

export interface VisitorsOptions {
  readonly address: string;
  /** Clients that ask on one connection for as long as it is there. */
  readonly keepAlive: number;
  /** Milliseconds between two of their requests. */
  readonly every: number;
  /** Clients that begin the next download when the last has ended. */
  readonly downloads: number;
  readonly path: string;
  /** Milliseconds without a byte after which something hangs. */
  readonly patience: number;
}

/** When it was sent, how long the answer took, or null where none came within a second, and whose it was. */
export type Datagram = readonly [at: number, took: number | null, who: string];
