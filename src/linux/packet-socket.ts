import {
  attachFilter,
  type BpfInstruction,
  bindSocket,
  closeSocket,
  errors,
  openSocket,
  receive,
  send,
  setReceiveBuffer,
} from "./native.ts";

const packetFamily = 17;
const rawType = 3;
const protocols = { arp: 0x0806, "neighbour-discovery": 0x86dd } as const;

/**
 * Solicitations and advertisements only, so that no other IPv6 packet of the machine reaches Node:
 * next header (byte 20) 58, ICMPv6 type (byte 54) 135 or 136.
 */
const neighbourDiscoveryOnly: readonly BpfInstruction[] = [
  [0x30, 0, 0, 20], // ldb [20]
  [0x15, 0, 4, 58], // jeq #58, else drop
  [0x30, 0, 0, 54], // ldb [54]
  [0x15, 1, 0, 135], // jeq #135, accept
  [0x15, 0, 1, 136], // jeq #136, accept, else drop
  [0x06, 0, 0, 2048], // accept
  [0x06, 0, 0, 0], // drop
];

/** A storm of frames may take so much memory and no more; the rest is lost, as on any network. */
const receiveBufferBytes = 512 * 1024;

/**
 * An AF_PACKET socket on one interface, for ARP or for neighbour discovery. It does not hear what
 * the machine itself sends: the kernel shows outgoing frames only to sockets that ask for all
 * protocols.
 */
export class PacketSocket {
  readonly #protocol: number;
  readonly #filter: readonly BpfInstruction[];
  readonly #buffer = Buffer.alloc(2048);
  #fd: number;
  #index = 0;

  constructor(kind: keyof typeof protocols) {
    this.#protocol = protocols[kind];
    this.#filter = kind === "arp" ? [] : neighbourDiscoveryOnly;
    this.#fd = -1;
  }

  /**
   * Opens it on this interface; again when the interface was recreated. Zero, or a negated errno.
   */
  open(interfaceIndex: number): number {
    if (interfaceIndex === this.#index) return 0;
    this.close();
    // Protocol 0 hears nothing yet, so nothing slips in before the filter.
    const fd = openSocket(packetFamily, rawType, 0);
    if (fd < 0) return fd;
    this.#fd = fd;
    setReceiveBuffer(fd, receiveBufferBytes);
    const filtered = this.#filter.length === 0 ? 0 : attachFilter(fd, this.#filter);
    const result = filtered < 0 ? filtered : bindSocket(fd, this.#address(interfaceIndex));
    if (result < 0) this.close();
    else this.#index = interfaceIndex;
    return result;
  }

  /** Zero or more, or a negated errno. */
  send(frame: Uint8Array): number {
    return this.#fd < 0 ? errors.networkDown : send(this.#fd, frame);
  }

  /**
   * Hands at most `most` waiting frames to `take`, which must not keep them; tells how many there
   * were.
   */
  read(most: number, take: (frame: Uint8Array) => void): number {
    if (this.#fd < 0) return 0;
    for (let count = 0; count < most; count += 1) {
      const length = receive(this.#fd, this.#buffer);
      // An interface that went down says so once, and the socket goes on.
      if (length < 0) return count;
      take(this.#buffer.subarray(0, length));
    }
    return most;
  }

  close(): void {
    if (this.#fd >= 0) closeSocket(this.#fd);
    this.#fd = -1;
    this.#index = 0;
  }

  /**
   * struct sockaddr_ll: family, protocol in network order, interface, and twelve bytes of no
   * concern.
   */
  #address(interfaceIndex: number): Buffer {
    const address = Buffer.alloc(20);
    address.writeUInt16LE(packetFamily, 0);
    address.writeUInt16BE(this.#protocol, 2);
    address.writeInt32LE(interfaceIndex, 4);
    return address;
  }
}
