/** What a line of `ip -o monitor address link` says. */
export type MonitorFact =
  | {
      readonly kind: "address";
      readonly deleted: boolean;
      readonly interfaceIndex: number;
      readonly address: string;
      readonly prefixLength: number;
      /** Seconds. */
      readonly validFor: number | "forever";
    }
  | {
      readonly kind: "link";
      readonly deleted: boolean;
      readonly interfaceIndex: number;
      readonly name: string;
      readonly up: boolean;
      readonly carrier: boolean;
      /** Undefined for a device without a link-layer address. */
      readonly mac: string | undefined;
    };

/**
 * `3: eth0    inet 192.0.2.1/32 scope global dynamic eth0\    valid_lft 2sec preferred_lft 2sec`,
 * before it `Deleted ` for an address that went, after the address ` peer …` on point-to-point
 * links. The name is what `ip` remembers of the index and is stale after a rename, so the index
 * identifies.
 */
const addressLine =
  /^(Deleted )?(\d+): \S+\s+inet6? ([\da-f.:]+)(?: peer [\da-f.:]+)?\/(\d+) .*\bvalid_lft (\w+)/;

/**
 * `3: eth0@if4: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 … state UP … \    link/ether MAC brd …`.
 * A carrier that went shows as NO-CARRIER, for a moment beside a LOWER_UP that is out of date.
 */
const linkLine =
  /^(Deleted )?(\d+): ([^@:\s]+)(?:@[^:\s]+)?: <([^>]*)>(?:.*link\/\S+ ([0-9a-f:]{17}))?/;

/** Undefined for lines of other kinds, which some versions of `ip` mix in. */
export const parseMonitorLine = (line: string): MonitorFact | undefined => {
  const address = addressLine.exec(line);
  if (address !== null) {
    const [, deleted, index, text = "", prefixLength, valid = ""] = address;
    return {
      kind: "address",
      deleted: deleted !== undefined,
      interfaceIndex: Number(index),
      address: text,
      prefixLength: Number(prefixLength),
      validFor: valid === "forever" ? valid : Number.parseInt(valid, 10),
    };
  }
  const link = linkLine.exec(line);
  if (link === null) return undefined;
  const [, deleted, index, name = "", flags = "", mac] = link;
  const has = new Set(flags.split(","));
  return {
    kind: "link",
    deleted: deleted !== undefined,
    interfaceIndex: Number(index),
    name,
    up: has.has("UP"),
    carrier: has.has("UP") && has.has("LOWER_UP") && !has.has("NO-CARRIER"),
    mac,
  };
};
