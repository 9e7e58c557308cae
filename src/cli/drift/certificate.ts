import { connect } from "node:tls";

import { parseAddress } from "../../linux/ip-address.ts";
import { isListening } from "../../linux/service-watch.ts";
import type { Configuration, NodeConfiguration } from "../configuration/configuration.ts";
import { reasonOf } from "../failure.ts";

export type ServedCertificate =
  | {
      readonly kind: "found";
      readonly subject: string;
      readonly until: Date;
      /** Hexadecimal. */
      readonly sha256: string;
    }
  | { readonly kind: "unknown"; readonly reason: string };

/**
 * The certificate that the web server of this machine shows for the domain. Undefined where the service is
 * plain HTTP. The pair's address is not asked: on a standby the other machine would answer.
 */
export async function servedCertificate(
  { canary, domain }: Configuration,
  { paths }: NodeConfiguration,
): Promise<ServedCertificate | undefined> {
  if (canary.scheme !== "https") return undefined;
  const { port } = canary;
  for (const address of [...paths, "127.0.0.1", "::1"]) {
    if (await isListening(port, [parseAddress(address)])) return shownAt(address, port, domain);
  }
  return { kind: "unknown", reason: `nothing listens on port ${port} of this machine now` };
}

const patienceMillis = 5000;

function shownAt(
  host: string,
  port: number,
  domain: string | undefined,
): Promise<ServedCertificate> {
  return new Promise((resolve) => {
    const name = domain === undefined ? {} : { servername: domain };
    // Whoever signed it: its dates are asked for, and a name is not proved by 127.0.0.1.
    const socket = connect({ host, port, ...name, rejectUnauthorized: false });
    const end = (found: ServedCertificate): void => {
      socket.destroy();
      resolve(found);
    };
    socket.setTimeout(patienceMillis, () =>
      end({ kind: "unknown", reason: `${host} port ${port} does not answer` }),
    );
    socket.once("error", (error) => end({ kind: "unknown", reason: reasonOf(error) }));
    socket.once("secureConnect", () => {
      const { subject, valid_to, fingerprint256 } = socket.getPeerCertificate();
      const until = new Date(valid_to);
      if (Number.isNaN(until.getTime()))
        return end({ kind: "unknown", reason: `${host} port ${port} shows no certificate` });
      const sha256 = fingerprint256.replaceAll(":", "").toLowerCase();
      end({ kind: "found", subject: [subject.CN].flat().join(", "), until, sha256 });
    });
  });
}
