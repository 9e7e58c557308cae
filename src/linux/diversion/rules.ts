import type { MacAddress } from "../../core/beat.ts";
import type { ByShare, Diversion, Flow } from "../../core/diversion.ts";
import { type IpAddress, parseAddress } from "../ip-address.ts";
import { chainNames, families, type Family, setsOf } from "./sets.ts";

/**
 * What `nft` is told, as text; pure. One table of the netdev family at the ingress hook of the service
 * interface. A frame that goes to the other machine has its two MAC addresses rewritten and leaves by the
 * interface that it came by: one form for IPv4 and IPv6, which needs no entry for a neighbour and leaves
 * the TTL alone.
 *
 *   in ── for one of our addresses, and not from the other machine ── ipv4 ─┬─ over: it goes there
 *                                                                          ├─ both: a copy goes there
 *                                                                          └─ stays
 *
 * Every script can be run again. The first one declares, over whatever an earlier agent left: what is in a
 * set stays there. Chains are filled anew in one transaction, so that no frame meets half of it.
 */

/** Where the rules stand. */
export interface Scene {
  readonly table: string;
  readonly device: string;
  /** Of the device: what frames that are passed on come from. */
  readonly ownMac: MacAddress;
  /** The pair's, of either family or both. */
  readonly addresses: readonly IpAddress[];
}

/** What the table is there for. */
export interface Purpose {
  readonly diversion: Diversion;
  /** The other machine's MAC, where the clients that come from there are to be recorded. */
  readonly arrivalsFrom: MacAddress | undefined;
}

/**
 * Brings a table that was declared to this purpose, whatever it served before; `moved` and `keep` stay as they
 * are.
 */
export function loadScript(scene: Scene, { diversion, arrivalsFrom }: Purpose): string {
  const to = diversion.kind === "none" ? undefined : diversion.to;
  const watch = arrivalsFrom === undefined ? [] : watchRules(scene, arrivalsFrom);
  return [
    ...chainNames(scene).map((chain) => `flush chain netdev ${scene.table} ${chain}`),
    // It says what goes over, or what stays: the sense may turn round here.
    ...familiesOf(scene).map(({ n }) => `flush set netdev ${scene.table} frags${n}`),
    `table netdev ${scene.table} {`,
    ...(to === undefined ? [] : routes(scene, to)),
    ...familiesOf(scene).flatMap((family) => familyChains(family, diversion)),
    ...chain("watch", watch),
    "}",
  ].join("\n");
}

/** Another share or other testers: who was handed over stays so. */
export function pickScript(scene: Scene, diversion: ByShare): string {
  const chains = familiesOf(scene).flatMap(({ n }) => [`pick${n}`, `rest${n}`]);
  return [
    ...chains.map((name) => `flush chain netdev ${scene.table} ${name}`),
    `table netdev ${scene.table} {`,
    ...familiesOf(scene).flatMap((family) => pickChains(family, diversion)),
    "}",
  ].join("\n");
}

/** The list of the move, in place of any before: what `keepElements` yields, or a word for the reader. */
export const keepScript = (scene: Scene, elements: readonly string[]): string =>
  [
    ...familiesOf(scene).map(({ n }) => `flush set netdev ${scene.table} keep${n}`),
    ...elements,
  ].join("\n");

/**
 * The flows in commands of some hundred, each a matter of a millisecond or two, because there may be tens
 * of thousands. They come from the other machine: what is no flow of this pair is left out.
 */
export function* keepElements(scene: Scene, flows: readonly Flow[]): Generator<string> {
  const held = new Map(scene.addresses.map((address) => [address.text, address.family]));
  for (let from = 0; from < flows.length; from += chunkSize) {
    const chunk = flows.slice(from, from + chunkSize);
    for (const { n } of familiesOf(scene)) {
      const elements = chunk
        .filter(({ address }) => held.get(address) === n)
        .map((flow) => ({ ...flow, client: parseAddress(flow.client) }))
        .filter(({ client }) => client.family === n)
        .map((flow) => `${flow.client.text} . ${flow.clientPort} . ${flow.address} . ${flow.port}`);
      if (elements.length === 0) continue;
      yield `add element netdev ${scene.table} keep${n} { ${elements.join(", ")} }`;
    }
  }
}

const chunkSize = 500;

/** What came until now by old entries of neighbours is forgotten: from here on it is worth counting. */
export const forgetScript = (scene: Scene): string =>
  familiesOf(scene)
    .map(({ n }) => `flush set netdev ${scene.table} late${n}`)
    .join("\n");

/** Also where there is none. */
export const removeScript = (table: string): string =>
  [`add table netdev ${table}`, `delete table netdev ${table}`].join("\n");

const familiesOf = ({ addresses }: Scene): readonly Family[] =>
  families.filter(({ n }) => addresses.some(({ family }) => family === n));

/** The table with its sets, and its chains in the order in which they refer to each other. */
export const declareScript = (scene: Scene): string => {
  const hook = (priority: number) =>
    `    type filter hook ingress device "${scene.device}" priority ${priority};`;
  const names = chainNames(scene).filter((name) => name !== "in" && name !== "watch");
  return [
    `table netdev ${scene.table} {`,
    ...familiesOf(scene).flatMap(setsOf),
    ...names.flatMap((name) => chain(name, [])),
    "  chain watch {",
    hook(-1),
    "  }",
    "  chain in {",
    hook(0),
    "  }",
    "}",
  ].join("\n");
};

/** The way in, and the two ways out. */
const routes = ({ device, ownMac, addresses }: Scene, to: MacAddress): readonly string[] => {
  const rewritten = `ether saddr set ${ownMac} ether daddr set ${to}`;
  return [
    ...chain("over", [`${rewritten} fwd to "${device}"`]),
    // The copy leaves as it is at that moment; what stays is then addressed to this machine again.
    ...chain("both", [`${rewritten} dup to "${device}" ether daddr set ${ownMac} accept`]),
    ...chain("in", [
      // A hub, or a switch that floods, shows others' frames to an interface that listens to all.
      "meta pkttype != host return",
      // What the other machine passed on is never handed back.
      `ether saddr ${to} return`,
      ...families.flatMap(({ n, ip }) => {
        const held = addresses.filter(({ family }) => family === n).map(({ text }) => text);
        return held.length === 0 ? [] : [`${ip} daddr { ${held.join(", ")} } goto ipv${n}`];
      }),
    ]),
  ];
};

const familyChains = (family: Family, diversion: Diversion): readonly string[] => {
  switch (diversion.kind) {
    case "none":
      return [];
    case "share":
      return [
        ...chain(`ipv${family.n}`, shareRules(family)),
        ...chain(`syn${family.n}`, synRules(family)),
        ...pickChains(family, diversion),
      ];
    case "all-but-kept":
      return chain(`ipv${family.n}`, allButKeptRules(family));
    case "kept":
      return chain(`ipv${family.n}`, keptRules(family));
  }
};

const isSyn = "tcp flags & (syn | ack) == syn";
const isEnd = "tcp flags & (fin | rst) != 0";

const shareRules = (family: Family): readonly string[] => {
  const { n, key, icmp, fragment } = family;
  return [
    `${icmp} type { ${family.errors} } goto both`,
    `meta l4proto ${icmp} return`,
    // Only a first fragment has ports: those behind it follow it.
    `${fragment.later} ${fragment.key} @frags${n} goto over`,
    `${fragment.first} ${key} @moved${n} update @frags${n} { ${fragment.key} }`,
    `${fragment.first} ${key} @closing${n} update @frags${n} { ${fragment.key} }`,
    `meta l4proto != tcp goto rest${n}`,
    `${isSyn} jump syn${n}`,
    // A port that is used again decides anew; a timeout instead would lose idle connections.
    `${isEnd} delete @stayed${n} { ${key} } delete @went${n} { ${key} }`,
    `${isEnd} ${key} @moved${n} update @closing${n} { ${key} } delete @moved${n} { ${key} }`,
    `${key} @moved${n} goto over`,
    `${key} @closing${n} update @closing${n} { ${key} } goto over`,
  ];
};

/** A SYN that is repeated stays with its machine whatever the share does; otherwise it is a new one. */
const synRules = ({ n, key }: Family): readonly string[] => [
  `${key} @went${n} update @went${n} { ${key} } return`,
  `${key} @stayed${n} update @stayed${n} { ${key} } return`,
  `delete @moved${n} { ${key} }`,
  `delete @closing${n} { ${key} }`,
  `goto pick${n}`,
];

/** A hash of the flow with a fixed seed, never a draw: who was among 5 % is among 20 %. */
const pickChains = (family: Family, { share, testers }: ByShare): readonly string[] => {
  const { n, ip, key, icmp } = family;
  const go = `update @moved${n} { ${key} } update @went${n} { ${key} } return`;
  const perMille = Math.min(999, Math.max(1, Math.round(share * 1000)));
  const hashed = `jhash ${ip} saddr . tcp sport mod 1000 seed 0x5eed < ${perMille} `;
  const ours = testers.map(parseAddress).filter(({ family: one }) => one === n);
  const isTester = `${ip} saddr { ${ours.map(({ text }) => text).join(", ")} } `;
  const datagrams = `meta l4proto != { tcp, ${icmp} } goto over`;
  const some = ours.length > 0 && share < 1;
  return [
    ...chain(`pick${n}`, [
      ...(some ? [isTester + go] : []),
      // nft refuses a comparison that is always true.
      ...(share > 0 ? [(share < 1 ? hashed : "") + go] : []),
      `update @stayed${n} { ${key} }`,
    ]),
    // By protocol, not by port, so that fragments are of the same mind.
    ...chain(`rest${n}`, [
      ...(some ? [isTester + datagrams] : []),
      ...(share >= 1 ? [datagrams] : []),
    ]),
  ];
};

/**
 * A flow stays in `keep` until the table goes, whatever ends it: both machines have the same list, and an
 * entry that one has deleted and the other has not would send its last frames astray. A port that is used
 * again meanwhile reaches the machine that still serves it.
 */
const allButKeptRules = (family: Family): readonly string[] => {
  const { n, ip, key, fragment } = family;
  return [
    `${family.icmp} type { ${family.errors} } goto both`,
    ...advertisements(family),
    `${fragment.later} ${fragment.key} @frags${n} return`,
    `${fragment.first} ${key} @keep${n} update @frags${n} { ${fragment.key} }`,
    `${key} @keep${n} return`,
    // Rules of their own: each ends where its set is full.
    `update @late${n} { ${ip} saddr . ether saddr }`,
    // Should the address not move after all, whoever came meanwhile belongs to the other machine.
    `${isSyn} update @moved${n} { ${key} } update @went${n} { ${key} }`,
    "goto over",
  ];
};

/** With its SYNs: one of a half-open connection that is repeated belongs where the first one went. */
const keptRules = (family: Family): readonly string[] => {
  const { n, key, fragment } = family;
  return [
    `${family.icmp} type { ${family.errors} } goto both`,
    ...advertisements(family),
    `${fragment.later} ${fragment.key} @frags${n} goto over`,
    `${fragment.first} ${key} @keep${n} update @frags${n} { ${fragment.key} }`,
    `${key} @keep${n} goto over`,
  ];
};

/**
 * A machine with the address on its interface asks for IPv6 neighbours in the address's name, and is
 * answered wherever the neighbour believes the address to be.
 */
const advertisements = ({ n }: Family): readonly string[] =>
  n === 6 ? ["icmpv6 type nd-neighbor-advert goto both"] : [];

/** Clients that were handed over, and those that found this machine by themselves. */
const watchRules = (scene: Scene, peer: MacAddress): readonly string[] =>
  familiesOf(scene).flatMap(({ n, ip }) => {
    const held = scene.addresses.filter(({ family }) => family === n).map(({ text }) => text);
    const ours = `${ip} daddr { ${held.join(", ")} }`;
    const others = `${ip} daddr != { ${held.join(", ")} }`;
    return [
      `ether saddr ${peer} ${ours} update @arrived${n} { ${ip} saddr }`,
      `ether saddr != ${peer} ${ours} ${isSyn} update @direct${n} { ${ip} saddr }`,
      `meta pkttype host ${others} ${isSyn} update @direct${n} { ${ip} saddr }`,
    ];
  });

const chain = (name: string, rules: readonly string[]): readonly string[] => [
  `  chain ${name} {`,
  ...rules.map((rule) => `    ${rule}`),
  "  }",
];
