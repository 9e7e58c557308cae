import { ensureTools, labTools, type Tool } from "../../src/practice/tools.ts";

/** What the tests and measurements use besides what a lab needs. */
const testTools: readonly Tool[] = [
  { command: "nginx", package: "nginx" },
  { command: "keepalived", package: "keepalived" },
  { command: "arping", package: "iputils-arping" },
  { command: "ping", package: "iputils-ping" },
  { command: "tcpdump", package: "tcpdump" },
  { command: "sysctl", package: "procps" },
  { command: "openssl", package: "openssl" },
  { command: "objdump", package: "binutils" },
  { command: "stress-ng", package: "stress-ng" },
  { command: "wrk", package: "wrk" },
];

/** Before the system tests: what they need is installed where apt can, and named where it cannot. */
export async function setup(): Promise<void> {
  await ensureTools([...labTools, ...testTools], console.log);
}
