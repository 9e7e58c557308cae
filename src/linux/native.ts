import koffi from "koffi";

/**
 * The only native code: a dozen system calls that Node does not offer, taken from the C library
 * that the process already has. Buffers go in and out, no structs and no callbacks.
 *
 * Results follow the kernel's own convention: zero or more is the result, a negative number is the
 * negated errno, which `util.getSystemErrorName` understands. Every call is non-blocking: a blocked
 * one would make `process.exit()` hang for ever.
 */

const libc = koffi.load(null);

type Call<Parameters extends readonly unknown[]> = (...args: Parameters) => number;

const call = <Parameters extends readonly unknown[]>(prototype: string): Call<Parameters> => {
  const native: (...args: unknown[]) => unknown = libc.func(prototype);
  return (...args) => {
    const result = Number(native(...args));
    // errno belongs to the last call of the thread: it is read before anything else can run.
    return result < 0 ? -koffi.errno() : result;
  };
};

const socket = call<[number, number, number]>("int socket(int, int, int)");
const bind = call<[number, Uint8Array, number]>("int bind(int, void *, uint32_t)");
const sendto = call<[number, Uint8Array, number, number, Uint8Array | null, number]>(
  "intptr_t sendto(int, void *, size_t, int, void *, uint32_t)",
);
const recv = call<[number, Uint8Array, number, number]>("intptr_t recv(int, void *, size_t, int)");
const setsockopt = call<[number, number, number, Uint8Array, number]>(
  "int setsockopt(int, int, int, void *, uint32_t)",
);
const close = call<[number]>("int close(int)");
const clockGettime = call<[number, Uint8Array]>("int clock_gettime(int, void *)");

const socCloexec = 0o2000000;
const msgDontwait = 0x40;
const solSocket = 1;
const soAttachFilter = 26;
const soBindToDevice = 25;
const soReceiveBuffer = 8;
const clockBoottime = 7;

/** Negated errno values that the floor tells apart. */
export const errors = { noDevice: -19, networkDown: -100 } as const;

/** Opens a socket that no child inherits. */
export const openSocket = (domain: number, type: number, protocol: number): number =>
  socket(domain, type | socCloexec, protocol);

export const closeSocket = (fd: number): number => close(fd);

export const bindSocket = (fd: number, address: Uint8Array): number =>
  bind(fd, address, address.length);

/** Sends without waiting, to `address` or, where there is none, to what the socket is bound to. */
export const send = (fd: number, bytes: Uint8Array, address: Uint8Array | null = null): number =>
  sendto(fd, bytes, bytes.length, msgDontwait, address, address?.length ?? 0);

/** Reads one message without waiting; EAGAIN, negated, when there is none. */
export const receive = (fd: number, into: Uint8Array): number =>
  recv(fd, into, into.length, msgDontwait);

export const setOption = (fd: number, level: number, name: number, value: Uint8Array): number =>
  setsockopt(fd, level, name, value, value.length);

export const bindToDevice = (fd: number, device: string): number =>
  setOption(fd, solSocket, soBindToDevice, Buffer.from(`${device}\0`));

export const setReceiveBuffer = (fd: number, bytes: number): number => {
  const value = Buffer.alloc(4);
  value.writeInt32LE(bytes);
  return setOption(fd, solSocket, soReceiveBuffer, value);
};

/**
 * One instruction of a classic BPF program, linux/filter.h: code, jump if true, jump if false, k.
 */
export type BpfInstruction = readonly [code: number, jt: number, jf: number, k: number];

/**
 * Attaches a classic BPF program. `struct sock_fprog` holds a pointer to the instructions, so this
 * is the one place where an address in memory is written into a buffer.
 */
export const attachFilter = (fd: number, program: readonly BpfInstruction[]): number => {
  const code = Buffer.alloc(program.length * 8);
  program.forEach(([op, jt, jf, k], index) => {
    code.writeUInt16LE(op, index * 8);
    code.writeUInt8(jt, index * 8 + 2);
    code.writeUInt8(jf, index * 8 + 3);
    code.writeUInt32LE(k, index * 8 + 4);
  });
  const fprog = Buffer.alloc(16);
  fprog.writeUInt16LE(program.length, 0);
  fprog.writeBigUInt64LE(koffi.address(code), 8);
  return setOption(fd, solSocket, soAttachFilter, fprog);
};

/** Milliseconds since boot, time in suspend included: CLOCK_BOOTTIME, which Node does not offer. */
export const bootTimeMillis = (): number => {
  const timespec = Buffer.alloc(16);
  clockGettime(clockBoottime, timespec);
  return Number(timespec.readBigInt64LE(0)) * 1000 + Number(timespec.readBigInt64LE(8)) / 1e6;
};
