import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";

import type { Transport } from "../agent/ports.ts";
import { type TroubleListener, Troubles } from "./troubles.ts";

export interface UdpPath {
  /** IP addresses; a link-local one carries its interface, `fe80::1%eth0`. */
  readonly local: string;
  readonly remote: string;
}

export interface UdpTransportOptions {
  readonly paths: readonly UdpPath[];
  /** Bound here, sent to there: the same on both machines. */
  readonly port: number;
  readonly onDatagram: (path: number, bytes: Uint8Array) => void;
  /** Once for each trouble of a path, by its local address, and once when it is over. */
  readonly onTrouble?: TroubleListener;
}

/**
 * `refused`: the other machine says that nobody listens there. `broken`: this machine cannot send,
 * for the reason given.
 */
type PathState =
  | { readonly kind: "opening" | "open" | "refused" }
  | { readonly kind: "broken"; readonly reason: string };

/** A network that comes back is heard again within this. */
const reopenMillis = 250;

/**
 * Datagrams over one socket per path, bound to the path's local address and connected to the
 * peer's, so that the kernel keeps strangers out. No trouble of a path is fatal and none concerns
 * another: a missing address, an unreachable network or a vanished interface is reported and tried
 * again. Until then the socket that has trouble stays in use, because most troubles end by
 * themselves.
 */
export class UdpTransport implements Transport {
  readonly #paths: readonly Path[];
  #received = 0;

  constructor(options: UdpTransportOptions) {
    this.#paths = options.paths.map((_, index) => new Path(index, options, this.#count));
  }

  start(): void {
    for (const path of this.#paths) path.open();
  }

  send(path: number, datagram: Uint8Array): void {
    this.#paths[path]?.send(datagram);
  }

  /** Datagrams that ever arrived, on all paths. */
  get received(): number {
    return this.#received;
  }

  stop(): void {
    for (const path of this.#paths) path.close();
  }

  readonly #count = (): void => {
    this.#received += 1;
  };
}

class Path {
  readonly #index: number;
  readonly #options: UdpTransportOptions;
  readonly #count: () => void;
  #socket: Socket | undefined;
  #repair: NodeJS.Timeout | undefined;
  readonly #troubles: Troubles;
  #connected = false;
  #state: PathState = { kind: "opening" };

  constructor(index: number, options: UdpTransportOptions, count: () => void) {
    this.#index = index;
    this.#options = options;
    this.#count = count;
    this.#troubles = new Troubles(options.onTrouble ?? (() => {}));
  }

  open(): void {
    const { local, remote } = this.#ends;
    const { port } = this.#options;
    const socket = createSocket(isIPv6(local) ? "udp6" : "udp4");
    this.#socket = socket;
    this.#repairSoon();
    socket.on("error", (error) => this.#failed(socket, error));
    socket.on("message", (bytes) => this.#heard(socket, bytes));
    socket.once("connect", () => {
      this.#connected = socket === this.#socket;
    });
    // Exclusive: a second agent on the same path is a mistake that ought to be noticed.
    socket.bind({ address: local, port, exclusive: true }, () => {
      if (socket === this.#socket) socket.connect(port, remote);
    });
  }

  send(datagram: Uint8Array): void {
    if (this.#connected) this.#socket?.send(datagram, this.#sent);
  }

  close(): void {
    clearTimeout(this.#repair);
    this.#repair = undefined;
    const socket = this.#socket;
    this.#socket = undefined;
    this.#connected = false;
    socket?.close();
  }

  /** Only where something may be wrong: a path that works wakes nobody up. */
  #repairSoon(): void {
    this.#repair ??= setTimeout(() => {
      this.#repair = undefined;
      if (this.#connected && this.#state.kind !== "broken") return;
      this.close();
      this.open();
    }, reopenMillis);
  }

  get #ends(): UdpPath {
    const ends = this.#options.paths[this.#index];
    assert(ends !== undefined);
    return ends;
  }

  #heard(socket: Socket, bytes: Uint8Array): void {
    if (socket !== this.#socket) return;
    this.#count();
    this.#enter({ kind: "open" });
    this.#options.onDatagram(this.#index, bytes);
  }

  /** Shared by all datagrams, so that sending one makes no garbage. */
  readonly #sent = (error: NodeJS.ErrnoException | null): void => {
    if (error !== null) {
      this.#failed(this.#socket, error);
      return;
    }
    // A refusal arrives after the datagram that caused it was sent well: only an answer ends it.
    if (this.#state.kind !== "refused") this.#enter({ kind: "open" });
  };

  #failed(socket: Socket | undefined, error: NodeJS.ErrnoException): void {
    if (socket === undefined || socket !== this.#socket) return;
    if (error.code === "ECONNREFUSED") {
      this.#enter({ kind: "refused" });
      return;
    }
    this.#enter({ kind: "broken", reason: error.code ?? error.message });
    this.#repairSoon();
  }

  #enter(state: PathState): void {
    const settled = state.kind === "open" && this.#state.kind === "open";
    this.#state = state;
    if (settled) return;
    const { local, remote } = this.#ends;
    const sentence = sentenceOf(state, local, remote, this.#options.port);
    if (sentence === undefined) this.#troubles.mended(`path ${local}`);
    else this.#troubles.say(`path ${local}`, sentence);
  }
}

const sentenceOf = (
  state: PathState,
  local: string,
  remote: string,
  port: number,
): string | undefined => {
  switch (state.kind) {
    case "opening":
    case "open":
      return undefined;
    case "refused":
      return `Cannot reach the agent at ${remote} port ${port}: nothing listens there`;
    case "broken":
      return `Cannot use the path from ${local} to ${remote}: ${state.reason}; trying again`;
  }
};
