import { describeHost } from "./host-contract.ts";
import { LinuxHarness } from "./linux-harness.ts";
import { net } from "./namespace.ts";

describeHost("Linux, IPv4", () => LinuxHarness.start());

describeHost("Linux, IPv6 and IPv4", () =>
  LinuxHarness.start({
    addresses: ["fd99::100", "10.99.0.100", "fd99::101"],
    witness: [net.there6],
  }),
);
