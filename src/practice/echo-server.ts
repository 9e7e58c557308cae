/** Answers every datagram with itself and the name of this machine. Usage: echo-server NAME. */
import { createSocket } from "node:dgram";
import { setPriority } from "node:os";

import { echoPort } from "./network.ts";

const [name = ""] = process.argv.slice(2);

try {
  setPriority(-10);
} catch {
  // Only root may; without it the measurement is a little coarser under load.
}
const socket = createSocket("udp6");
socket.on("message", (message, { address, port }) => {
  socket.send(`${message.toString()} ${name}`, port, address, () => {});
});
socket.on("error", () => {});
socket.bind(echoPort, "::");
