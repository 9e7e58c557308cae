import { expect, test } from "vitest";

import { managerFindings } from "../../src/cli/check/manager-findings.ts";
import { isManaged, keepsAddresses, networkFileIn } from "../../src/linux/network-managers.ts";

const status = (state: string, file: string) => `● 2: eth0
                     Link File: /usr/lib/systemd/network/99-default.link
                  Network File: ${file}
                         State: ${state}
`;

test.each([
  ["routable (configured)", "/run/systemd/network/10-netplan-eth0.network", true],
  ["routable (configuring)", "/etc/systemd/network/lan.network", true],
  ["routable (unmanaged)", "n/a", false],
  ["n/a (unmanaged)", "/etc/systemd/network/lan.network", false],
])("networkctl says %s and %s", (state, file, has) => {
  expect(networkFileIn(status(state, file))).toBe(has ? file : undefined);
});

test.each([
  ["[Network]\nDHCP=yes\n", false],
  ["[Network]\nKeepConfiguration=static\n", false],
  ["[Network]\nKeepConfiguration=yes\n", true],
  ["[Network]\nKeepConfiguration=yes\n# drop-in\n[Network]\nKeepConfiguration=no\n", false],
  ["[Network]\n#KeepConfiguration=yes\n", false],
])("networkd keeps a leased address with %j: %s", (text, keeps) => {
  expect(keepsAddresses(text)).toBe(keeps);
});

test.each([
  ["100 (connected)", true],
  ["10 (unmanaged)", false],
  ["100 (connected (externally))", false],
  ["", false],
])("nmcli says %j", (state, managed) => {
  expect(isManaged(state)).toBe(managed);
});

test("check offers the drop-in that keeps networkd from removing the address", () => {
  const file = "/run/systemd/network/10-netplan-eth0.network";
  const networkd = { file, keeps: false };
  expect(managerFindings("eth0", { networkd, networkManager: false })).toEqual([
    {
      level: "warning",
      subject: "manager",
      found: expect.stringContaining("systemd-networkd has eth0"),
      advice:
        "mkdir -p /etc/systemd/network/10-netplan-eth0.network.d && " +
        "printf '[Network]\\nKeepConfiguration=yes\\n' > " +
        "/etc/systemd/network/10-netplan-eth0.network.d/failover.conf && networkctl reload",
    },
  ]);
});

test("check is content where nobody has the interface, or whoever has it keeps the address", () => {
  for (const networkd of [undefined, { file: "/etc/systemd/network/a.network", keeps: true }])
    expect(managerFindings("eth0", { networkd, networkManager: false })).toMatchObject([
      { level: "ok" },
    ]);
});

test("check offers the file that takes the interface from NetworkManager, and says what has to be there first", () => {
  const found = managerFindings("eth0", { networkd: undefined, networkManager: true });
  expect(found).toMatchObject([
    { level: "warning", found: expect.stringContaining("NetworkManager has eth0") },
  ]);
  const conf = "'[keyfile]\\nunmanaged-devices+=interface-name:eth0\\n'";
  const file = "/etc/NetworkManager/conf.d/failover.conf";
  expect(found[0]?.advice).toContain(`printf ${conf} > ${file} && systemctl reload NetworkManager`);
  expect(found[0]?.advice).toMatch(/^once systemd-networkd or ifupdown configures it instead: /);
});
