import { readFile } from "node:fs/promises";

import { addressOf } from "./ip-address.ts";

/**
 * A setting of the kernel by its name in parts, as an interface may have a dot in its name: `["net", "ipv4",
 * "conf", "eth0.7", "rp_filter"]`. Undefined where this kernel has none, or tells it to others only.
 */
export async function kernelSetting(parts: readonly string[]): Promise<string | undefined> {
  try {
    return (await readFile(`/proc/sys/${parts.join("/")}`, "latin1")).trim().replace(/\s+/g, " ");
  } catch {
    return undefined;
  }
}

/** The greater of the interface's own number and that of `all`, where the kernel takes the greater. */
export async function greaterSetting(device: string, name: string): Promise<number> {
  const both = await Promise.all(
    ["all", device].map((one) => kernelSetting(["net", "ipv4", "conf", one, name])),
  );
  return Math.max(0, ...both.map((text) => Number(text ?? 0)));
}

export interface Ipv6State {
  readonly address: string;
  /** `tentative`: it may be somebody else's; `duplicate`: it is, and this machine does not use it. */
  readonly state: "ready" | "tentative" | "duplicate";
}

/** The IPv6 addresses of an interface, by /proc/net/if_inet6. */
export async function ipv6States(device: string): Promise<readonly Ipv6State[]> {
  try {
    return readIpv6States(device, await readFile("/proc/net/if_inet6", "latin1"));
  } catch {
    return [];
  }
}

/** IFA_F_ of include/uapi/linux/if_addr.h; an optimistic address is used while it is looked at. */
const addressFlags = { optimistic: 0x04, duplicate: 0x08, tentative: 0x40 } as const;

/** `fd00…01 04 40 00 c0     eth0`: address, interface, length, scope and flags in hexadecimal. */
export function readIpv6States(device: string, text: string): readonly Ipv6State[] {
  return text.split("\n").flatMap((line): Ipv6State[] => {
    const [digits = "", , , , flagDigits = "", name] = line.trim().split(/\s+/);
    if (name !== device || !/^[0-9a-f]{32}$/.test(digits)) return [];
    const address = addressOf(Buffer.from(digits, "hex")).text;
    const flags = Number.parseInt(flagDigits, 16);
    const has = (flag: number) => (flags & flag) !== 0;
    if (has(addressFlags.duplicate)) return [{ address, state: "duplicate" }];
    const unsure = has(addressFlags.tentative) && !has(addressFlags.optimistic);
    return [{ address, state: unsure ? "tentative" : "ready" }];
  });
}
