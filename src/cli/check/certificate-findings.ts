import type { Configuration, NodeConfiguration } from "../configuration/configuration.ts";
import { type ServedCertificate, servedCertificate } from "../drift/certificate.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

/** Whether a machine that takes over would show browsers a certificate that they accept, by its date. */
export async function certificateFindings(
  configuration: Configuration,
  here: NodeConfiguration,
): Promise<readonly Finding[]> {
  const found = await servedCertificate(configuration, here);
  return found === undefined ? [] : [certificateFinding(found, new Date())];
}

/** Let's Encrypt's clients renew with 30 days left: with 14 something does not work. */
const warningDays = 14;

const dayMillis = 86_400_000;

export function certificateFinding(found: ServedCertificate, today: Date): Finding {
  if (found.kind === "unknown")
    return ok("certificate", `how long it is valid is not known: ${found.reason}`);
  const { subject, until } = found;
  const days = Math.floor((until.getTime() - today.getTime()) / dayMillis);
  const words = `that of ${subject} is valid until ${until.toISOString().slice(0, 10)}`;
  if (days < 0) return failed("certificate", words, "renew it, or copy it from the other machine");
  return days < warningDays
    ? warning("certificate", words, "see why it was not renewed on this machine")
    : ok("certificate", words);
}
