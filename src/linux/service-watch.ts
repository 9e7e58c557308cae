import type { Report } from "../agent/ports.ts";
import { addressOf, type IpAddress } from "./ip-address.ts";
import { readLines } from "./proc-lines.ts";
import { listenersOf } from "./sock-diag.ts";

export interface ServiceWatchOptions {
  readonly port: number;
  /** A service that listens on one of them, or on every address, is heard by the pair's users. */
  readonly addresses: readonly IpAddress[];
  /** Told after every look, once a second. */
  readonly report: Report;
}

const lookEveryMillis = 1000;

/** Whether something listens on the service's TCP port. */
export class ServiceWatch {
  readonly #options: ServiceWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: ServiceWatchOptions) {
    this.#options = options;
  }

  start(): void {
    void this.#look();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const listening = await isListening(this.#options.port, this.#options.addresses);
    if (this.#stopped) return;
    this.#options.report({ kind: "service-observed", listening });
    this.#timer = setTimeout(() => void this.#look(), lookEveryMillis);
  }
}

export const isListening = async (
  port: number,
  addresses: readonly IpAddress[],
): Promise<boolean> => {
  const heard = new Set(["0.0.0.0", "::", ...addresses.map(({ text }) => text)]);
  const listeners = listenersOf(port) ?? (await listenersInProc(port));
  return listeners.some((address) => heard.has(unmapped(address)));
};

/**
 * For kernels whose sock_diag does not answer, such as those that may load no more modules. The kernel lists
 * listening sockets before all others, so a look reads a page or two of /proc even beside a hundred thousand
 * connections.
 */
export const listenersInProc = async (port: number): Promise<readonly IpAddress[]> => {
  const found: IpAddress[] = [];
  const take = (line: string) => {
    const socket = parseTcpLine(line);
    if (socket?.listening === false) return "enough";
    if (socket?.port === port) found.push(socket.address);
    return "more";
  };
  for (const path of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    try {
      await readLines(path, take);
    } catch {
      // A kernel without IPv6 has no such file.
    }
  }
  return found;
};

/**
 * `  0: 0100007F:1F90 00000000:0000 0A …`: local address as 32-bit numbers, port, remote, state.
 */
export const parseTcpLine = (
  line: string,
): { address: IpAddress; port: number; listening: boolean } | undefined => {
  const match =
    /^\s*\d+: ((?:[0-9A-F]{8}){1,4}):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) /.exec(line);
  if (match === null) return undefined;
  const [, address = "", port = "", state] = match;
  const bytes = Buffer.from(address, "hex");
  if (bytes.length !== 4 && bytes.length !== 16) return undefined;
  return {
    address: addressOf(bytes.swap32()),
    port: Number.parseInt(port, 16),
    listening: state === "0A",
  };
};

/** A socket of IPv6 bound to `::ffff:192.0.2.1` listens on 192.0.2.1. */
const unmapped = ({ text, bytes }: IpAddress): string =>
  text.startsWith("::ffff:") ? addressOf(bytes.subarray(12)).text : text;
