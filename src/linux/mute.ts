import type { IpAddress } from "./ip-address.ts";

/**
 * The ARP mute: an IPv4 address on `lo` would be answered for on every interface, and be the sender
 * of ARP requests for the traffic that comes from it. A table of nftables' arp family stops both
 * without touching a sysctl.
 */

/** Several pairs can share a machine, so the table carries the pair's name: `failover_www`. */
export const tableName = (pair: string): string =>
  `failover_${pair.replace(/[^a-zA-Z0-9_]/g, "_")}`;

/**
 * The argument of `nft` that puts the mute there, whole or not at all, whatever was there before.
 */
export const muteScript = (
  table: string,
  addresses: readonly IpAddress[],
  own: IpAddress | undefined,
): string => {
  const held = addresses.filter(({ family }) => family === 4).map(({ text }) => text);
  // Without an address of our own there is nothing truthful to say, so nothing is said.
  const asked = own === undefined ? "drop" : `arp saddr ip set ${own.text}`;
  return [
    `add table arp ${table}`,
    `delete table arp ${table}`,
    `table arp ${table} {`,
    `  set held { type ipv4_addr; elements = { ${held.join(", ")} }; }`,
    "  chain in {",
    "    type filter hook input priority 0;",
    "    arp operation request arp daddr ip @held drop",
    "  }",
    "  chain out {",
    "    type filter hook output priority 0;",
    `    arp saddr ip @held ${asked}`,
    "  }",
    "}",
  ].join("\n");
};

export const unmuteScript = (table: string): string => `delete table arp ${table}`;
