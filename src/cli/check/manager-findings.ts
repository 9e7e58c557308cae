import { basename } from "node:path";

import type { NetworkManagers } from "../../linux/network-managers.ts";
import { type Finding, ok, warning } from "./finding.ts";

/**
 * Whether the machine's own network configuration lets the address be. The agent puts back at once what
 * it takes away; better is that it does not.
 */
export function managerFindings(
  device: string,
  { networkd, networkManager }: NetworkManagers,
): readonly Finding[] {
  const findings: Finding[] = [];
  if (networkd !== undefined && !networkd.keeps) {
    const directory = `/etc/systemd/network/${basename(networkd.file)}.d`;
    const lines = "[Network]\\nKeepConfiguration=yes\\n";
    findings.push(
      warning(
        "manager",
        `systemd-networkd has ${device} and may remove the address when it is restarted, netplan apply included`,
        `mkdir -p ${directory} && printf '${lines}' > ${directory}/failover.conf && networkctl reload`,
      ),
    );
  }
  // It has no word for one foreign address; and a machine whose interface nobody configures does not come back
  // from a reboot, so the cure says what it needs.
  if (networkManager)
    findings.push(
      warning(
        "manager",
        `NetworkManager has ${device} and removes the address when the connection is activated again; the agent puts it back at once`,
        "once systemd-networkd or ifupdown configures it instead: " +
          `printf '[keyfile]\\nunmanaged-devices+=interface-name:${device}\\n' > ` +
          "/etc/NetworkManager/conf.d/failover.conf && systemctl reload NetworkManager; " +
          "until then activate it only while the other machine holds the address",
      ),
    );
  return findings.length > 0
    ? findings
    : [ok("manager", `nobody else removes addresses from ${device}`)];
}
