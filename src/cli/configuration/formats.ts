import { isIPv4, isIPv6 } from "node:net";

import { type Millis, millis } from "../../core/time.ts";
import { parseAddress } from "../../linux/ip-address.ts";
import type { StatusRange } from "./configuration.ts";

/** How one value is written. A format never throws: what it cannot read is undefined. */
export interface Format<T> {
  /** What may be written, in words that follow "allowed is". */
  readonly allowed: string;
  readonly read: (text: string) => T | undefined;
}

/** `250ms`, `1.5s`, `5m`; a bare number says nothing of its unit and is refused. */
export function duration(from: string, to: string): Format<Millis> {
  const [least, most] = [readDuration(from) as Millis, readDuration(to) as Millis];
  return {
    allowed: `a duration from ${from} to ${to}, such as 250ms, 2s or 5m`,
    read: (text) => within(readDuration(text), least, most),
  };
}

/** A lease in the kernel counts whole seconds. */
export function wholeSeconds(from: string, to: string): Format<Millis> {
  const { read } = duration(from, to);
  return {
    allowed: `whole seconds from ${from} to ${to}, such as ${from}`,
    read: (text) => {
      const span = read(text);
      return span !== undefined && span % 1000 === 0 ? span : undefined;
    },
  };
}

export function integer(from: number, to: number): Format<number> {
  return {
    allowed: `a whole number from ${from} to ${to}`,
    read: (text) => (/^\d{1,9}$/.test(text) ? within(Number(text), from, to) : undefined),
  };
}

/** `1%` is 0.01. */
export const rate: Format<number> = {
  allowed: "a rate from 0% to 100%, such as 1% or 0.5%",
  read: (text) => {
    const digits = /^(\d{1,3}(?:\.\d{1,4})?)%$/.exec(text)?.[1];
    return digits === undefined ? undefined : within(Number(digits) / 100, 0, 1);
  },
};

export function oneOf<T extends string>(choices: readonly T[]): Format<T> {
  return {
    allowed: `one of ${choices.join(", ")}`,
    read: (text) => choices.find((choice) => choice === text),
  };
}

function matching(pattern: RegExp, allowed: string): Format<string> {
  return { allowed, read: (text) => (pattern.test(text) ? text : undefined) };
}

/** Also shortens: `2001:DB8:0::10` and `2001:db8::10` are one address and must compare as one. */
export const ipAddress: Format<string> = {
  allowed: "the IPv4 or IPv6 address of one machine, without prefix length or zone",
  read: (text) => {
    if (isIPv4(text)) return isHostIpv4(text) ? text : undefined;
    if (!isIPv6(text) || text.includes("%")) return undefined;
    const short = parseAddress(text).text;
    return isHostIpv6(short) ? short : undefined;
  },
};

export const pairName = matching(/^[a-z0-9-]{1,24}$/, "1 to 24 of a-z, 0-9 and -");
export const nodeName = matching(
  /^[A-Za-z0-9._-]{1,32}$/,
  "1 to 32 of A-Z, a-z, 0-9, '.', _ and -",
);

/**
 * The kernel's own rule (net/core/dev.c, dev_valid_name): up to 15 bytes, no slash, colon or space.
 */
export const interfaceName: Format<string> = {
  allowed: "the name of a network interface, up to 15 characters",
  read: (text) =>
    /^[!-.0-9;-~]{1,15}$/.test(text) && text !== "." && text !== ".." ? text : undefined,
};

export const absolutePath = matching(
  /^\/[^\p{Cc}]{0,4094}$/u,
  "the absolute path of a file, such as /var/log/nginx/access.log",
);

/** Of deb and rpm alike. */
export const packageName = matching(
  /^[A-Za-z0-9][A-Za-z0-9.+_-]{0,127}$/,
  "the name of a package, such as nginx",
);

export const namePattern = matching(
  /^[^\p{Cc}]{1,512}$/u,
  "a pattern of names, such as *.swp or /srv/www/cache/**",
);

/** RFC 1123 section 2.1. */
export const hostName: Format<string> = {
  allowed: "a host name, such as www.example.org",
  read: (text) => {
    const labels = text.replace(/\.$/, "").split(".");
    const wellFormed = labels.every((label) =>
      /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i.test(label),
    );
    return wellFormed && text.length <= 253 ? text : undefined;
  },
};

/**
 * A destination and its attributes. The line goes to `ip -batch` as it stands, so nothing passes
 * that could end it, continue it or begin a comment. Its protocol is the agent's mark.
 */
export const route: Format<string> = {
  allowed: "a route in ip-route's notation, without proto, such as default via 203.0.113.1",
  read: (text) => {
    const [destination = ""] = text.split(" ");
    const known = destination === "default" || isPrefix(destination);
    const ours = !/ proto(col)? /.test(text);
    return known && ours && /^[A-Za-z0-9 .:/_-]{1,200}$/.test(text) ? text : undefined;
  },
};

/** What may stand in a request line, RFC 9112 section 3.2.1. */
export const shellCommand = matching(
  /^[^\p{Cc}]{1,1000}$/u,
  "a command for the shell, in one line",
);

export const requestPath = matching(/^\/[!-~]{0,1000}$/, "the path of a page, beginning with /");

export const statusRange: Format<StatusRange> = {
  allowed: "an HTTP status or a range of them, such as 200 or 200-399",
  read: (text) => {
    const match = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(text);
    const from = Number(match?.[1]);
    const to = Number(match?.[2] ?? match?.[1]);
    return from <= to ? { from, to } : undefined;
  },
};

/** The format, or one word that stands for "decide for me". */
export function either<T, W extends string>(word: W, format: Format<T>): Format<T | W> {
  return {
    allowed: `${word}, or ${format.allowed}`,
    read: (text) => (text === word ? word : format.read(text)),
  };
}

const unitMillis = { ms: 1, s: 1000, m: 60_000 } as const;

function readDuration(text: string): Millis | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m)$/.exec(text);
  if (match === null) return undefined;
  return millis(Number(match[1]) * unitMillis[match[2] as keyof typeof unitMillis]);
}

function within<N extends number>(value: N | undefined, from: number, to: number): N | undefined {
  return value !== undefined && value >= from && value <= to ? value : undefined;
}

/**
 * Neither "this network" (0/8) nor multicast nor reserved (224 and above, which holds broadcast).
 */
function isHostIpv4(address: string): boolean {
  const first = Number(address.slice(0, address.indexOf(".")));
  return first !== 0 && first < 224;
}

/** Not unspecified, multicast, link-local (it would need a zone), nor IPv4 in disguise (::/64). */
function isHostIpv6(short: string): boolean {
  if (short === "::1") return true;
  return !short.startsWith("::") && !/^(ff|fe[89ab])[0-9a-f]*:/.test(short);
}

function isPrefix(text: string): boolean {
  const [address = "", length, ...rest] = text.split("/");
  const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : undefined;
  if (bits === undefined || rest.length > 0) return false;
  return length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= bits);
}
