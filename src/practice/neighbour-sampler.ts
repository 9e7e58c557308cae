/**
 * Asks again and again who has an address, and notes everybody who answers. Usage: neighbour-sampler
 * OPTIONS-AS-JSON. Writes one line per address and question; ends when its standard input does.
 *
 * The kernel answers such a question within microseconds, so what came until the next question
 * belongs to this one. Two machines in one line both had the address at that instant.
 */
import { setPriority } from "node:os";

import { arpRequest, neighbourSolicitation, parseFrame } from "../linux/frames.ts";
import { type IpAddress, parseAddress } from "../linux/ip-address.ts";
import { bindSocket, openSocket, receive, send } from "../linux/native.ts";
import type { NeighbourSample, NeighbourSamplerOptions } from "./neighbour-watch.ts";
import { now } from "./wait.ts";

interface Watched {
  readonly address: IpAddress;
  readonly socket: number;
  readonly question: Uint8Array;
  asked: number;
}

const options = JSON.parse(process.argv[2] ?? "{}") as NeighbourSamplerOptions;
const addressFamilyPacket = 17;
const rawSocket = 3;
const etherTypes = { 4: 0x0806, 6: 0x86dd } as const;

const watched = options.addresses.map((text): Watched => {
  const address = parseAddress(text);
  const self = parseAddress(address.family === 4 ? options.self : options.self6);
  const question =
    address.family === 4
      ? arpRequest(options.mac, self, address)
      : neighbourSolicitation(options.mac, self, address);
  return { address, socket: openPacketSocket(etherTypes[address.family]), question, asked: 0 };
});
const frame = new Uint8Array(256);
let lines = "";

try {
  setPriority(-10);
} catch {
  // Only root may; without it there are fewer samples under load.
}
const asking = setInterval(() => {
  for (const one of watched) {
    collect(one);
    one.asked = now();
    send(one.socket, one.question);
  }
}, options.every);
const flushing = setInterval(() => {
  if (lines !== "") process.stdout.write(lines);
  lines = "";
}, 50);
process.stdin.resume().once("end", () => {
  clearInterval(asking);
  clearInterval(flushing);
  watched.forEach(collect);
  process.stdout.write(lines, () => process.exit(0));
});

function collect({ socket, address, asked }: Watched): void {
  const macs = new Set<string>();
  for (;;) {
    const length = receive(socket, frame);
    if (length < 0) break;
    const mac = answerer(frame.subarray(0, length), address);
    if (mac !== undefined) macs.add(mac);
  }
  if (asked === 0) return;
  const sample: NeighbourSample = { at: asked, address: address.text, macs: [...macs] };
  lines += `${JSON.stringify(sample)}\n`;
}

/** Announcements are no answers: they are not addressed to us. */
function answerer(bytes: Uint8Array, address: IpAddress): string | undefined {
  const message = parseFrame(bytes);
  if (message?.kind === "arp-reply") {
    const toUs = message.sender.text === address.text && message.target.text === options.self;
    return toUs ? message.from : undefined;
  }
  if (message?.kind === "advertisement") {
    return message.solicited && message.target.text === address.text ? message.from : undefined;
  }
  return undefined;
}

/** `struct sockaddr_ll` of packet(7): family, protocol in network order, interface index. */
function openPacketSocket(etherType: number): number {
  const protocol = ((etherType & 0xff) << 8) | (etherType >> 8);
  const socket = openSocket(addressFamilyPacket, rawSocket, protocol);
  const address = Buffer.alloc(20);
  address.writeUInt16LE(addressFamilyPacket, 0);
  address.writeUInt16BE(etherType, 2);
  address.writeInt32LE(options.interfaceIndex, 4);
  const bound = socket < 0 ? socket : bindSocket(socket, address);
  if (bound < 0) throw new Error(`Cannot open a packet socket: errno ${-bound}`);
  return socket;
}
