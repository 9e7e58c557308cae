/**
 * A client that takes one long answer slowly, as one with a big file or a slow line does. Usage: downloader
 * OPTIONS-AS-JSON. Writes one line when the answer is whole, or broken, and ends.
 */
import { connect } from "node:net";

import type { DownloadEnd, DownloadOptions } from "./download.ts";
import { now } from "./wait.ts";

const { address, bytes: asked } = JSON.parse(process.argv[2] ?? "{}") as DownloadOptions;
/** Pieces come several times a second. */
const silentMillisMax = 4000;
let head = "";
let bytes = 0;

const socket = connect({ host: address, port: 80 });
socket.on("data", (chunk: Buffer) => {
  const body = head.indexOf("\r\n\r\n");
  if (body >= 0) {
    bytes += chunk.length;
    return;
  }
  head += chunk.toString("latin1");
  const begins = head.indexOf("\r\n\r\n");
  if (begins >= 0) bytes = head.length - begins - 4;
});
socket.once("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
// Whoever only receives hears nothing of a server that another machine replaced.
socket.setTimeout(silentMillisMax, () => end(`nothing came for ${silentMillisMax / 1000} s`));
socket.once("end", () => {
  end(bytes === asked ? undefined : `it ended after ${bytes} of ${asked} bytes`);
});
const lines = [
  "GET /download HTTP/1.1",
  `Host: ${address}`,
  `Range: bytes=0-${asked - 1}`,
  "Connection: close",
];
socket.write(`${lines.join("\r\n")}\r\n\r\n`);

function end(broken: string | undefined): void {
  const told: DownloadEnd = { at: now(), broken: broken ?? null };
  process.stdout.write(`${JSON.stringify(told)}\n`, () => process.exit(0));
}
