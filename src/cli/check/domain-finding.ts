import { lookup } from "node:dns/promises";
import { setTimeout } from "node:timers/promises";

import { parseAddress } from "../../linux/ip-address.ts";
import type { Configuration } from "../configuration/configuration.ts";
import { reasonOf } from "../failure.ts";
import { type Finding, ok, warning } from "./finding.ts";

/** A resolver that is not reachable answers nothing at all for a long time. */
const patienceMillis = 3000;

/**
 * Whether the name that users type leads to the address; no more than a warning, as DNS is
 * elsewhere.
 */
export async function domainFindings({
  domain,
  addresses,
}: Configuration): Promise<readonly Finding[]> {
  if (domain === undefined) return [];
  const found = await Promise.race([resolved(domain), late()]);
  if (typeof found === "string") {
    return [warning("domain", `${domain} does not resolve: ${found}`, "look at DNS and the name")];
  }
  const ours = addresses.map(({ address }) => address);
  const strangers = found.filter((address) => !ours.includes(address));
  if (strangers.length === 0) return [ok("domain", `${domain} leads to ${found.join(", ")}`)];
  const advice = `it should lead to ${ours.join(", ")} alone`;
  return [warning("domain", `${domain} leads to ${strangers.join(", ")}`, advice)];
}

async function resolved(domain: string): Promise<readonly string[] | string> {
  try {
    const answers = await lookup(domain, { all: true });
    return answers.map(({ address }) => parseAddress(address).text);
  } catch (error) {
    return reasonOf(error);
  }
}

function late(): Promise<string> {
  const sentence = `no answer within ${patienceMillis / 1000} s`;
  return setTimeout(patienceMillis, sentence, { ref: false });
}
