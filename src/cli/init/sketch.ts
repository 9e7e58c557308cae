import type { Place } from "./place.ts";

/** What is known of a pair before it is a configuration; what is not known is undefined or empty. */
export interface Sketch {
  /** Where it comes from, in words that follow "Written by failover init". */
  readonly source: string;
  readonly pair: Said | undefined;
  readonly addresses: readonly Said[];
  readonly domain: Said | undefined;
  /** In the order of the configuration: the first takes a vacant address when both could. */
  readonly nodes: readonly [SketchNode, SketchNode];
  readonly settings: Settings;
  readonly marks?: Marks;
  readonly remarks: readonly Remark[];
}

/** A value as the configuration writes it, and how it is known: a comment beside it. */
export interface Said {
  readonly value: string;
  readonly origin: string;
}

export interface SketchNode {
  readonly name: Said | undefined;
  /** It is the machine that this runs on; undefined: that is not known. */
  readonly here: boolean | undefined;
  readonly interface: Said | undefined;
  /** Pairwise: the other node has as many. */
  readonly paths: readonly Said[];
  readonly accessLogs: readonly Said[];
  /** What is known of paths that cannot be written, because the other end is not. */
  readonly hints: readonly string[];
}

/** What has to be decided by a person about keys that hold more than one value. */
export interface Marks {
  readonly nodes?: string | undefined;
  readonly witness?: string | undefined;
}

/** Each is left out where failover's own default is meant. */
export interface Settings {
  readonly port?: Said | undefined;
  readonly interval?: Said | undefined;
  readonly deadTime?: Said | undefined;
  readonly bootTime?: Said | undefined;
  readonly witness?: readonly Said[] | undefined;
  readonly logFormat?: Said | undefined;
  /** The line of `canary`, after the colon. */
  readonly canary?: Said | undefined;
}

/** Something of a foreign configuration that ours has no word for. */
export interface Remark {
  readonly place: Place;
  /** As it stands there. */
  readonly what: string;
  /** In words that follow "because". */
  readonly because: string;
  /** What to do, in words that follow a semicolon. */
  readonly instead: string;
  /** Something would work no longer: not to be passed over where nobody reads it. */
  readonly grave?: boolean;
}

export const unknownNode: SketchNode = {
  name: undefined,
  here: undefined,
  interface: undefined,
  paths: [],
  accessLogs: [],
  hints: [],
};

export const emptySketch: Sketch = {
  source: "",
  pair: undefined,
  addresses: [],
  domain: undefined,
  nodes: [unknownNode, unknownNode],
  settings: {},
  remarks: [],
};
