import { canaryTag, canaryWord } from "./canary.ts";

/**
 * One line of an access_log, as Apache and nginx write it:
 *
 *     www:443 192.0.2.7 - frank [10/Oct/2026:13:55:36 +0000] "GET / HTTP/1.1" 200 23 "-" "curl/8"
 *     └vhost┘ └────────────────────────────── common ──────────────────────────────┘ └combined─┘
 *
 * The format says what a line must have *at least*: most sites add fields of their own at the end.
 *
 *     common     host, ident, user, time, request, status, bytes
 *     combined   and after them the referrer and the user agent
 *     vhost      one word more in front, with or without a port; user agent or not
 *     auto       any of these: every line tells its shape itself
 *
 * With `auto` nothing is learnt from earlier lines, so that a server whose format is changed while
 * it runs is read on without a gap, and no line has to be read twice.
 */
export const lineFormats = ["auto", "common", "combined", "vhost"] as const;
export type LineFormat = (typeof lineFormats)[number];

export interface LogLine {
  /** 0 where the server wrote `-` or `000`: the connection ended before there was a response. */
  readonly status: number;
  /** The tag of a request of our own; undefined for everybody else's. */
  readonly canary: string | undefined;
  /** The client's address as clientAddress leaves it; a name where the server looks names up. */
  readonly client: string | undefined;
  /** As written, for readTime: most who read a line do not ask for its time. */
  readonly time: string | undefined;
}

/**
 * Reads a line without its line ending, decoded as latin1 (one character a byte, so that every byte
 * is allowed). Undefined where it does not fit the format; never throws. Time is linear in the
 * length.
 */
export function readLine(line: string, format: LineFormat): LogLine | undefined {
  // The first `] "` is the joint between time and request, whatever stands before it: both servers
  // escape a quote inside a user name, and Apache writes an empty user name as `""` without a
  // bracket.
  const timeEnd = line.indexOf('] "');
  if (timeEnd < 0) return undefined;
  const timeStart = line.lastIndexOf("[", timeEnd);
  const words = headWords(line, timeStart);
  const requestStart = timeEnd + 3;
  const requestEnd = closingQuote(line, requestStart);
  if (words === "none" || requestEnd < 0) return undefined;

  statusAndBytes.lastIndex = requestEnd + 1;
  if (!statusAndBytes.test(line)) return undefined;
  const agent = agentAt(line, statusAndBytes.lastIndex);
  if (format === "combined" && agent === undefined) return undefined;
  if (format === "vhost" && words === "three") return undefined;

  const ours = line.indexOf(canaryWord, requestStart) >= 0;
  return {
    status: statusAt(line, requestEnd + 2),
    canary: ours ? canaryTag(line.slice(requestStart, requestEnd), agent) : undefined,
    client: clientAddress(wordAt(line, words === "vhost" ? line.indexOf(" ") + 1 : 0)),
    time: line.slice(timeStart + 1, timeEnd),
  };
}

/**
 * The client's address as everybody else writes it: a server that listens for IPv4 on an IPv6 socket
 * calls 192.0.2.7 `::ffff:192.0.2.7`. Undefined for the `-` of a connection that had none.
 */
export function clientAddress(written: string): string | undefined {
  if (written === "" || written === "-") return undefined;
  return written.startsWith("::ffff:") && written.includes(".", 8) ? written.slice(7) : written;
}

/**
 * The server answered a request. None of these shows that it did: 408 and 444 (nothing was asked, or
 * nothing answered), nginx's 499 (the client went away first: a server that hangs makes them), and a
 * line without a status.
 */
export function isAnswered(status: number): boolean {
  return status >= 100 && status <= 599 && status !== 408 && status !== 444 && status !== 499;
}

/**
 * The server failed: 500 to 599. nginx's 499 is none, since it says that the client went away
 * first; neither is 444, where the server was told not to answer, nor a line without a status.
 */
export function isServerError(status: number): boolean {
  return status >= 500 && status <= 599;
}

const statusAndBytes = / (?:\d{3}|-) (?:\d+|-)(?= |$)/y;

/**
 * How many words stand before the time: three, or more. Four may be a virtual host before them or a
 * user name with a space in it. What tells them apart is the second word: the ident, which is `-`
 * on every server of today, or the client. A wrong guess changes nothing but the client.
 */
function headWords(line: string, timeStart: number): "none" | "three" | "vhost" | "spaced" {
  const first = line.indexOf(" ");
  const second = line.indexOf(" ", first + 1);
  const third = line.indexOf(" ", second + 1);
  // With fewer than three words a space is missing (-1), or the third one lies inside the time.
  const readable = first > 0 && second > first + 1 && third > second && third < timeStart;
  if (!readable) return "none";
  if (third === timeStart - 1) return "three";
  return line.slice(first + 1, second) === "-" ? "spaced" : "vhost";
}

function wordAt(line: string, at: number): string {
  return line.slice(at, line.indexOf(" ", at));
}

/** `-` gives NaN in the arithmetic and 0 here. */
function statusAt(line: string, at: number): number {
  return Number(line.slice(at, at + 3)) || 0;
}

/** The user agent, if a referrer and a user agent follow at `at`. */
function agentAt(line: string, at: number): string | undefined {
  if (!line.startsWith(' "', at)) return undefined;
  const referrerEnd = closingQuote(line, at + 2);
  if (referrerEnd < 0 || !line.startsWith('" "', referrerEnd)) return undefined;
  const agentStart = referrerEnd + 3;
  const agentEnd = closingQuote(line, agentStart);
  return agentEnd < 0 ? undefined : line.slice(agentStart, agentEnd);
}

/**
 * The quote that ends the field beginning at `from`, or -1. Apache escapes a quote as `\"` and a
 * backslash as `\\`; nginx writes `\x22` and `\x5C`, in which there is no quote to be mistaken.
 */
function closingQuote(line: string, from: number): number {
  for (let quote = line.indexOf('"', from); quote >= 0; quote = line.indexOf('"', quote + 1)) {
    let run = quote;
    while (run > from && line.charCodeAt(run - 1) === backslash) run -= 1;
    if ((quote - run) % 2 === 0) return quote;
  }
  return -1;
}

const backslash = 0x5c;
