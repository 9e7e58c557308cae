/**
 * A client that never stops asking. Usage: prober OPTIONS-AS-JSON. Writes one sample a line to its
 * standard output; when its standard input ends it asks no more, waits for what is outstanding and ends.
 */
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { setPriority } from "node:os";

import type { ProberOptions } from "./client-load.ts";
import { echoPort } from "./network.ts";
import type { Sample } from "./samples.ts";
import { now } from "./wait.ts";

const options = JSON.parse(process.argv[2] ?? "{}") as ProberOptions;
let lines = "";
let outstanding = 0;
let asking = true;

try {
  setPriority(-10);
} catch {
  // Only root may; without it the measurement is a little coarser under load.
}
const flushing = setInterval(flush, 50);
process.stdin.resume().once("end", () => {
  asking = false;
});
switch (options.mode) {
  case "http":
    everyTick(askForPage);
    break;
  case "udp":
    askByDatagram();
    break;
}

/** A tick that comes late does what it missed, so that the rate holds; but no more than 20 at once. */
function everyTick(ask: () => void): void {
  const period = 1000 / options.perSecond;
  let due = now();
  const tick = (): void => {
    if (!asking) {
      endWhenQuiet();
      return;
    }
    due = Math.max(due, now() - 20 * period);
    for (; due <= now(); due += period) ask();
    setTimeout(tick, Math.max(0, due - now()));
  };
  tick();
}

/** A new connection for every page, as most clients of a service are new ones. */
function askForPage(): void {
  const start = now();
  let response = "";
  let settled = false;
  outstanding += 1;
  const socket = connect({ host: options.address, port: 80, noDelay: true });
  const settle = (sample: Sample): void => {
    if (settled) return;
    settled = true;
    outstanding -= 1;
    clearTimeout(timer);
    socket.destroy();
    report(sample);
  };
  const fail = (why: string): void =>
    settle({ kind: "failure", at: now(), took: now() - start, why });
  const timer = setTimeout(fail, options.timeout, "timeout");
  socket.setEncoding("latin1");
  socket.on("data", (chunk) => {
    response += chunk;
  });
  socket.once("error", (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
  socket.once("end", () => {
    const [, status] = /^HTTP\/1\.\d (\d{3})/.exec(response) ?? [];
    const who = response.slice(response.indexOf("\r\n\r\n") + 4).trim();
    if (status === "200") settle({ kind: "answer", at: now(), took: now() - start, who });
    else fail(status ?? "incomplete response");
  });
  socket.end(
    `GET / HTTP/1.1\r\nHost: ${urlHost(options.address)}\r\nUser-Agent: client\r\nConnection: close\r\n\r\n`,
  );
}

/** Replies may come from the machine's own address: what counts is the name in them. */
function askByDatagram(): void {
  const socket = createSocket(options.address.includes(":") ? "udp6" : "udp4");
  socket.on("error", () => {
    // Nobody has the address just now: that is what is being measured.
  });
  socket.on("message", (message) => {
    const [sent = "0", who = ""] = message.toString().split(" ");
    report({ kind: "answer", at: now(), took: now() - Number(sent), who });
  });
  socket.bind(() => {
    socket.unref();
    everyTick(() => socket.send(String(now()), echoPort, options.address, () => {}));
  });
}

function report(sample: Sample): void {
  lines += `${JSON.stringify(sample)}\n`;
}

function flush(): void {
  if (lines !== "") process.stdout.write(lines);
  lines = "";
}

function endWhenQuiet(): void {
  if (outstanding > 0) {
    setTimeout(endWhenQuiet, 10);
    return;
  }
  clearInterval(flushing);
  flush();
}

function urlHost(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
