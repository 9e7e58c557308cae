import { runCommand } from "../command.ts";
import { parseAddress } from "../ip-address.ts";
import { NetlinkSocket } from "../netlink-socket.ts";

/**
 * Why connections to the addresses cannot be handed over at this interface, as the end of the sentence "in
 * cut mode, because …"; undefined where they can. The kernel is asked, and nothing is changed. Takes the time
 * of one nft.
 */
export async function obstacleToDiverting(
  device: string,
  addresses: readonly string[],
): Promise<string | undefined> {
  return (await kernelObstacle(device)) ?? senderObstacle(device, addresses);
}

async function kernelObstacle(device: string): Promise<string | undefined> {
  const script = [
    "table netdev failover_asks {",
    "  chain in {",
    `    type filter hook ingress device "${device}" priority 0;`,
    `    meta l4proto tcp dup to "${device}"`,
    `    ether daddr set 02:00:00:00:00:01 fwd to "${device}"`,
    "  }",
    "}",
  ].join("\n");
  const asked = await runCommand("nft", ["--check", "--file", "-"], nftMillis, { input: script });
  if (asked.kind === "done") return undefined;
  return `the kernel cannot pass frames on at ${device}: ${complaintIn(asked.reason)}`;
}

/** The first line of what nft says has the reason, and after it come the script and arrows into it. */
export function complaintIn(reason: string): string {
  if (reason.includes("ENOENT")) return "nft is not installed";
  const [first = ""] = reason.split("\n");
  return first.replace(/^Cannot run [^:]*: /, "").replace(/^.*?Error: /, "");
}

/**
 * While the address is silent, ARP requests for what is sent from it need another sender that is true
 * (`muteScript`). Without one they are dropped, and with them every connection that was handed over.
 */
function senderObstacle(device: string, addresses: readonly string[]): string | undefined {
  const moving = addresses.map(parseAddress).filter(({ family }) => family === 4);
  if (moving.length === 0) return undefined;
  const own = addressesOf(device).some(
    (address) => address.family === 4 && !moving.some(({ text }) => text === address.text),
  );
  return own ? undefined : `${device} has no IPv4 address of its own, which ARP needs as a sender`;
}

function addressesOf(device: string) {
  const route = new NetlinkSocket("route");
  try {
    const link = route.link(device);
    const entries = link === undefined ? [] : route.addresses(link.index);
    return typeof entries === "string" ? [] : entries.map(({ address }) => address);
  } finally {
    route.close();
  }
}

const nftMillis = 5000;
