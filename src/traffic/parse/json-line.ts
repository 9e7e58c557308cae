import { canaryTag, canaryWord } from "./canary.ts";
import { clientAddress, type LogLine } from "./line.ts";

/**
 * One JSON object a line, with the names that nginx's, Apache's and Caddy's configurations usually
 * give:
 *
 *     {"time_iso8601":"2026-11-21T04:43:00+00:00","remote_addr":"192.0.2.7","status":"200",
 *      "request":"GET / HTTP/1.1","http_user_agent":"curl/8"}
 *     {"ts":1795236180.12,"status":200,"request":{"remote_ip":"192.0.2.7","method":"GET",
 *      "uri":"/","headers":{"User-Agent":["curl/8"]}}}
 *
 * The first name that is there decides. Only the status must be there.
 */
const names = {
  status: paths("status status_code response_status response.status http.response.status_code"),
  time: paths("time_local time_iso8601 ts time @timestamp timestamp msec datetime"),
  // The connection's own before what a header claims. `host` is a client in some configurations
  // of Apache, and the virtual host in most others: only an address is believed.
  client: paths(
    "remote_addr remote_ip request.remote_ip request.remote_addr " +
      "client_ip request.client_ip clientip client remote_host host",
  ),
  request: paths("request request_line"),
  target: paths("request_uri request.uri uri url url.original path"),
  query: paths("args query query_string"),
  agent: paths("http_user_agent user_agent agent useragent request.headers.User-Agent"),
} as const;

/** Reads a line decoded as latin1; undefined for what is no such object; never throws. */
export function readJsonLine(line: string): LogLine | undefined {
  const record = parseRecord(line);
  if (record === undefined) return undefined;
  const status = statusOf(first(record, names.status));
  if (status === undefined) return undefined;
  return {
    status,
    canary: line.includes(canaryWord) ? canaryOf(record) : undefined,
    client: clientOf(record),
    time: first(record, names.time)?.replace(/^\[|\]$/g, ""),
  };
}

type Path = readonly string[];
type Data = Readonly<Record<string, unknown>>;

/** Each name, as a key of its own and, where it has dots, as a path through objects. */
function paths(words: string): readonly Path[] {
  return words
    .split(" ")
    .flatMap((word) => (word.includes(".") ? [[word], word.split(".")] : [[word]]));
}

function parseRecord(line: string): Data | undefined {
  if (!line.trimStart().startsWith("{")) return undefined;
  try {
    return asRecord(JSON.parse(line));
  } catch {
    return repaired(line);
  }
}

/**
 * A template without `escape=json`, and every LogFormat of Apache, escapes as the server does
 * elsewhere: `\xHH` and `\v`, which JSON does not know. Such lines are few, so they are tried second.
 */
function repaired(line: string): Data | undefined {
  if (!line.includes("\\x") && !line.includes("\\v")) return undefined;
  const text = line.replace(/\\(?:x([0-9A-Fa-f]{2})|(v)|.)/gs, (all, hex, tab) => {
    if (hex !== undefined) return `\\u00${hex}`;
    return tab === undefined ? all : "\\u000b";
  });
  try {
    return asRecord(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function asRecord(value: unknown): Data | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Data)
    : undefined;
}

/** The first of the names that holds a text or a number; of a list its first element. */
function first(record: Data, candidates: readonly Path[]): string | undefined {
  for (const path of candidates) {
    let value: unknown = record;
    for (const key of path) value = asRecord(value)?.[key];
    if (Array.isArray(value)) value = value[0];
    if (typeof value === "string") return value;
    if (typeof value === "number") return String(value);
  }
  return undefined;
}

function statusOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{3}$/.test(text)) return Number(text);
  return text === "-" || text === "" || text === "0" ? 0 : undefined;
}

function canaryOf(record: Data): string | undefined {
  const agent = first(record, names.agent);
  const target = first(record, names.target);
  const query = first(record, names.query);
  const requests = [
    first(record, names.request),
    target === undefined ? undefined : `- ${target}`,
    query === undefined ? undefined : `- ?${query.replace(/^\?/, "")}`,
  ];
  for (const request of requests) {
    const tag = canaryTag(request ?? "", agent);
    if (tag !== undefined) return tag;
  }
  return undefined;
}

function clientOf(record: Data): string | undefined {
  for (const path of names.client) {
    const written = first(record, [path]);
    if (written === undefined || written === "") continue;
    const address = clientAddress(withoutPort(written));
    if (path[0] !== "host" || (address !== undefined && isAddress(address))) return address;
  }
  return undefined;
}

/** Caddy 2.0 to 2.4 wrote `192.0.2.7:51234`. */
function withoutPort(text: string): string {
  return /^(?:(\d+\.\d+\.\d+\.\d+)|\[([0-9a-f:.]+)\]):\d+$/i.exec(text)?.slice(1).join("") ?? text;
}

const isAddress = (text: string): boolean =>
  /^(?:\d+\.\d+\.\d+\.\d+|[0-9a-f]*:[0-9a-f:.]+)$/i.test(text);
