/**
 * A datagram each millisecond to the echo server. Usage: datagrams OPTIONS-AS-JSON. Writes lists of datagrams
 * to its standard output, each one a second after it was sent. Answers may come from the machine's own
 * address: what counts is the name in them.
 */
import { createSocket } from "node:dgram";
import { setPriority } from "node:os";

import { echoPort } from "../../../src/practice/network.ts";
import { now } from "../../../src/practice/wait.ts";
import type { Datagram } from "./deed.ts";

const { address } = JSON.parse(process.argv[2] ?? "{}") as { readonly address: string };
const patienceMillis = 1000;
setPriority(-15);
process.stdin.resume().once("end", () => process.exit(0));

const sent: { at: number; took: number | null; who: string }[] = [];
let first = 0;
const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
socket.on("error", () => {
  // Nobody has the address just now: that is what is being measured.
});
socket.on("message", (message) => {
  const [number = "0", who = ""] = message.toString().split(" ");
  const datagram = sent[Number(number) - first];
  if (datagram !== undefined) Object.assign(datagram, { took: now() - datagram.at, who });
});

let due = now();
const tick = (): void => {
  due = Math.max(due, now() - 20);
  for (; due <= now(); due += 1) {
    const number = String(first + sent.length);
    sent.push({ at: now(), took: null, who: "" });
    socket.send(number, echoPort, address, () => {});
  }
  setTimeout(tick, Math.max(0, due - now()));
};
socket.bind(tick);

setInterval(() => {
  const old = now() - patienceMillis;
  const fresh = sent.findIndex(({ at }) => at > old);
  const over = sent.splice(0, Math.max(fresh, 0));
  first += over.length;
  const told: Datagram[] = over.map(({ at, took, who }) => [at, took, who]);
  if (told.length > 0) process.stdout.write(`${JSON.stringify(told)}\n`);
}, 100);
