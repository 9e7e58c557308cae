import { attribute, message } from "../netlink.ts";
import { dump, dumpFlags, find, listFailure, type Range } from "./netlink-dump.ts";

/**
 * What is in the sets of a netdev table, by netlink: `nft list set` takes most of a second for 50,000
 * elements, and its text has to be read again. Source: linux/netfilter/nf_tables.h.
 */

const netfilterProtocol = 12;
/** NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM. */
const getElements = (10 << 8) | 13;
const netdevFamily = 5;

const attributes = {
  listTable: 1,
  listSet: 2,
  listElements: 3,
  listElement: 1,
  key: 1,
  expiration: 5,
  dataValue: 1,
} as const;

export interface Element {
  /** As long as the parts of the key, each padded to four bytes; until the call returns. */
  readonly key: Buffer;
  /** Milliseconds until it goes; of sets with a timeout. */
  readonly expires: number | undefined;
}

/** Nothing where there is no such table or set. Rejects where the kernel refuses. */
export async function eachElement(
  table: string,
  set: string,
  take: (element: Element) => void,
): Promise<void> {
  const question = message(
    getElements,
    dumpFlags,
    1,
    Buffer.from([netdevFamily, 0, 0, 0]),
    attribute(attributes.listTable, Buffer.from(`${table}\0`)),
    attribute(attributes.listSet, Buffer.from(`${set}\0`)),
  );
  const error = await dump(netfilterProtocol, question, (bytes, from, end) => {
    const list = find(bytes, [from + 4, end], attributes.listElements);
    if (list !== undefined) eachIn(bytes, list, take);
  });
  if (error < 0 && error !== noSuchThing) throw listFailure(`the set ${set} of ${table}`, error);
}

const noSuchThing = -2;

const eachIn = (bytes: Buffer, [from, end]: Range, take: (element: Element) => void): void => {
  let at = from;
  for (;;) {
    const element = find(bytes, [at, end], attributes.listElement);
    if (element === undefined) return;
    const key = find(bytes, find(bytes, element, attributes.key), attributes.dataValue);
    const expires = find(bytes, element, attributes.expiration);
    if (key !== undefined) {
      take({
        key: bytes.subarray(...key),
        expires: expires && Number(bytes.readBigUInt64BE(expires[0])),
      });
    }
    at = (element[1] + 3) & ~3;
  }
};
