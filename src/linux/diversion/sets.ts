import type { IpAddress } from "../ip-address.ts";

/**
 * The sets of the diversion's table: `moved4` for IPv4, `moved6` for IPv6. The key is the whole flow as
 * the client sends it, with the pair's address, because several addresses may move together, and with
 * both ports, because one source port may be open to two services.
 */
export interface Family {
  readonly n: 4 | 6;
  readonly ip: "ip" | "ip6";
  readonly type: "ipv4_addr" | "ipv6_addr";
  readonly key: string;
  /** As `meta l4proto` and the match on its type call it. */
  readonly icmp: "icmp" | "icmpv6";
  /** Errors about what was sent from the address: without them a path with a small MTU is a black hole. */
  readonly errors: string;
  readonly fragment: { readonly first: string; readonly later: string; readonly key: string };
}

export const families: readonly Family[] = [
  {
    n: 4,
    ip: "ip",
    type: "ipv4_addr",
    key: "ip saddr . tcp sport . ip daddr . tcp dport",
    icmp: "icmp",
    errors: "destination-unreachable, time-exceeded, parameter-problem",
    fragment: {
      first: "ip frag-off & 0x3fff == 0x2000",
      later: "ip frag-off & 0x1fff != 0",
      key: "ip saddr . ip daddr . ip id . ip protocol",
    },
  },
  {
    n: 6,
    ip: "ip6",
    type: "ipv6_addr",
    key: "ip6 saddr . tcp sport . ip6 daddr . tcp dport",
    icmp: "icmpv6",
    errors: "destination-unreachable, packet-too-big, time-exceeded, parameter-problem",
    fragment: {
      first: "frag frag-off 0 frag more-fragments 1",
      later: "frag frag-off != 0",
      key: "ip6 saddr . ip6 daddr . frag id",
    },
  },
];

export const setNames = [
  /** Handed over; without a timeout, which would lose idle connections. */
  "moved",
  /** Handed over and saw a FIN or RST: forgotten when silent. */
  "closing",
  /** SYNs of the last seconds, by what was decided, for those that are repeated. */
  "went",
  "stayed",
  /** The list of the move. */
  "keep",
  "frags",
  /** Who still sends here by an old neighbour entry. */
  "late",
  /** The new machine's clients: handed over, and come by themselves. */
  "arrived",
  "direct",
] as const;
export type SetName = (typeof setNames)[number];

/** A full set is safe: what finds no room is not handed over. 64 bytes an element, beside 4 MB at once. */
const flowsMax = 262_144;

/** One hour: `timeout 1h`. */
export const lateMillis = 3_600_000;

export const setsOf = ({ n, type, fragment }: Family): readonly string[] => {
  const flow = `type ${type} . inet_service . ${type} . inet_service`;
  const recent = "flags dynamic,timeout";
  return [
    `  set moved${n} { ${flow}; flags dynamic; size ${flowsMax}; }`,
    `  set closing${n} { ${flow}; ${recent}; timeout 5m; size ${flowsMax}; }`,
    `  set went${n} { ${flow}; ${recent}; timeout 10s; size 65536; }`,
    `  set stayed${n} { ${flow}; ${recent}; timeout 10s; size 65536; }`,
    `  set keep${n} { ${flow}; }`,
    `  set frags${n} { typeof ${fragment.key}; ${recent}; timeout 30s; size 65536; }`,
    `  set late${n} { type ${type} . ether_addr; ${recent}; timeout 1h; size 4096; }`,
    `  set arrived${n} { type ${type}; ${recent}; timeout 10m; size 1024; }`,
    `  set direct${n} { type ${type}; ${recent}; timeout 10m; size 1024; }`,
  ];
};

/** Those that are jumped to first: `nft` wants them to exist. */
export const chainNames = ({
  addresses,
}: {
  readonly addresses: readonly IpAddress[];
}): readonly string[] => [
  "over",
  "both",
  ...families
    .filter(({ n }) => addresses.some(({ family }) => family === n))
    .flatMap(({ n }) => [`pick${n}`, `rest${n}`, `syn${n}`, `ipv${n}`]),
  "watch",
  "in",
];
