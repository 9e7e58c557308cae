import type { Millis } from "../../core/time.ts";

/** What one file says for both machines, read, completed with defaults and validated whole. */
export interface Configuration {
  /** `[a-z0-9-]{1,24}`: names the pair, its socket and its tables. */
  readonly pair: string;
  /** What moves, together; at least one. */
  readonly addresses: readonly ServiceAddress[];
  /** In ip-route's notation; added after the address, removed before it. */
  readonly routes: readonly string[];
  /** The name users type; sent as Host. */
  readonly domain: string | undefined;
  /** Absolute path of the key file. */
  readonly key: string;
  /** In the order of the file: the first takes a vacant address when both could. */
  readonly nodes: readonly [NodeConfiguration, NodeConfiguration];
  readonly takeover: Takeover;
  readonly port: number;
  readonly interval: Millis;
  readonly deadTime: Millis;
  readonly confirmTime: Millis;
  /** Whole seconds, at least 2. */
  readonly lease: Millis;
  readonly bootTime: Millis;
  readonly witness: WitnessChoice;
  /** Frames a second, at most. */
  readonly announceRate: number;
  /**
   * `auto`, `common`, `combined`, `vhost`, `json`, or a pattern in the web server's own notation.
   */
  readonly logFormat: string;
  readonly swap: SwapConfiguration;
  readonly hooks: HooksConfiguration;
  readonly canary: CanaryConfiguration;
  readonly drift: DriftConfiguration;
  /** The only part on which the two machines may differ. */
  readonly log: LogConfiguration;
}

export interface ServiceAddress {
  /** IPv4 or IPv6 in its shortest form, without prefix length. */
  readonly address: string;
  /** Undefined: the node's own interface. */
  readonly interface: string | undefined;
}

export interface NodeConfiguration {
  readonly name: string;
  readonly interface: string;
  /** Where this node is heard, 1 to 8 IP addresses; the first crosses the service network. */
  readonly paths: readonly string[];
  readonly accessLogs: readonly string[];
}

export const takeovers = ["address", "link"] as const;
export type Takeover = (typeof takeovers)[number];

export type WitnessChoice =
  /** The gateway. */
  | { readonly kind: "auto" }
  | { readonly kind: "none" }
  | { readonly kind: "addresses"; readonly addresses: readonly string[] };

export const swapModes = ["drain", "cut"] as const;
export type SwapMode = (typeof swapModes)[number];

export interface SwapConfiguration {
  readonly mode: SwapMode;
  /** Shares of new connections, above 0 to 1, rising, the last one 1. */
  readonly steps: readonly number[];
  readonly minRequests: number;
  /** Above the baseline, 0 to 1. */
  readonly maxErrorRate: number;
  readonly verifyTime: Millis;
  readonly drainTime: Millis;
}

/** Commands for the shell, run on the machine that they are about. */
export interface HooksConfiguration {
  /**
   * The address has moved away: the web server may close its idle connections, in HTTP's own way, as
   * `nginx -s reload` does.
   */
  readonly drain: string | undefined;
}

export const canarySchemes = ["http", "https"] as const;
export type CanaryScheme = (typeof canarySchemes)[number];

export interface CanaryConfiguration {
  readonly scheme: CanaryScheme;
  readonly port: number;
  readonly path: string;
  readonly expect: StatusRange;
}

/** What should be alike on both machines, for `failover fingerprint` and `check --drift`. */
export interface DriftConfiguration {
  /** Absolute paths of files, and of directories with all that is in them. */
  readonly paths: readonly string[];
  /** Names as dpkg or rpm has them. */
  readonly packages: readonly string[];
  /** Patterns of what may differ: `*.swp`, `/srv/www/cache/**`. */
  readonly ignore: readonly string[];
}

/** HTTP status codes, both ends included. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

export const logLevels = ["error", "warning", "info", "debug"] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LogConfiguration {
  readonly level: LogLevel;
  /** Absolute path; undefined: standard error. */
  readonly file: string | undefined;
}
