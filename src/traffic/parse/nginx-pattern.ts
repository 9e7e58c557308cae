import { PieceBuilder, type Pieces, placed, type Role, type Unusable, unusable } from "./piece.ts";
import type { Unwrapped } from "./directive.ts";

/**
 * nginx's log_format: `$name` or `${name}`. Any name may be a variable, since `map` and `set` make
 * them; these are the ones that say something here.
 */
const roles: Readonly<Record<string, readonly [role: Role, rank: number]>> = {
  status: ["status", 0],
  time_local: ["time", 0],
  time_iso8601: ["time", 1],
  msec: ["time", 2],
  // What the connection says, before what real_ip made of a header.
  realip_remote_addr: ["client", 0],
  remote_addr: ["client", 1],
  proxy_protocol_addr: ["client", 2],
  request: ["request", 0],
  request_uri: ["target", 0],
  args: ["query", 0],
  query_string: ["query", 0],
  http_user_agent: ["agent", 0],
};
const urlParts = ["scheme", "host", "http_host", "server_name", "request_uri", "uri"].concat([
  "document_uri",
  "is_args",
  "args",
  "query_string",
]);

const variable = /\$(?:\{(\w+)\}|(\w+))/y;

export function nginxPieces({ source, escape: mode }: Unwrapped): Pieces | Unusable {
  const { text, at } = source;
  const built = new PieceBuilder();
  for (let index = 0; index < text.length; ) {
    if (text[index] !== "$") {
      built.text(text[index] as string);
      index += 1;
      continue;
    }
    const here = at[index] as number;
    variable.lastIndex = index;
    const match = variable.exec(text);
    if (match === null) return namelessVariable(text.slice(index), here);
    const [written] = match;
    const name = (match[1] ?? match[2]) as string;
    const [role, rank] = roles[name] ?? [undefined, 0];
    const spaces = name === "time_local" ? 1 : 0;
    const url = urlParts.includes(name);
    built.field({ kind: "field", written, at: here, role, rank, spaces, url });
    index += written.length;
  }
  return { kind: "pieces", pieces: built.pieces, escapes: mode !== "none" };
}

function namelessVariable(rest: string, at: number): Unusable {
  return unusable(
    placed(rest.slice(0, 2), at),
    "a variable of nginx, such as $remote_addr or $status",
  );
}
