/**
 * The web server of the practice where nginx is not installed: the same pages, and an access_log in
 * the same combined format. Usage: web-server NAME MANNERS-FILE; port 80 on all addresses.
 */
import { appendFileSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

import { downloadBytes } from "./download.ts";
import type { WebManners } from "./web.ts";

const [name = "", mannersFile = ""] = process.argv.slice(2);

const server = createServer((request, response) => {
  if (request.url === "/download") {
    sendSlowly(response);
    return;
  }
  const { pages = "well", log = true } = JSON.parse(
    readFileSync(mannersFile, "utf8"),
  ) as WebManners;
  const fails = pages === "errors" || (pages === "errors-for-others" && isStranger(request));
  const body = fails ? "error\n" : `${name}\n`;
  response.writeHead(fails ? 500 : 200, {
    "content-type": "text/plain",
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
  if (log) appendFileSync("/run/log/access.log", combinedLine(request, response.statusCode, body));
});
server.listen({ host: "::", port: 80, backlog: 4096 });
process.once("SIGTERM", () => process.exit(0));

/** 64 KiB a second, as nginx does here. */
function sendSlowly(response: ServerResponse): void {
  response.writeHead(200, { "content-length": downloadBytes });
  const piece = Buffer.alloc(8192, name);
  let sent = 0;
  const sending = setInterval(() => {
    response.write(piece);
    sent += piece.length;
    if (sent >= downloadBytes) response.end();
  }, 125);
  response.once("close", () => clearInterval(sending));
}

/** A request to an address of this machine from the same address came from the machine itself. */
function isStranger({ socket }: IncomingMessage): boolean {
  return socket.remoteAddress !== socket.localAddress;
}

/** Apache's combined format, as nginx writes it. */
function combinedLine(request: IncomingMessage, status: number, body: string): string {
  const address = request.socket.remoteAddress?.replace(/^::ffff:/, "") ?? "-";
  const line = `${request.method} ${request.url} HTTP/${request.httpVersion}`;
  const referer = request.headers.referer ?? "-";
  const agent = request.headers["user-agent"] ?? "-";
  return `${address} - - [${logTime(new Date())}] "${line}" ${status} ${body.length} "${referer}" "${agent}"\n`;
}

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

function logTime(at: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${two(at.getUTCDate())}/${months[at.getUTCMonth()]}/${at.getUTCFullYear()}`;
  const time = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map(two).join(":");
  return `${day}:${time} +0000`;
}
