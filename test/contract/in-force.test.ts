import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";

import type { Configuration } from "../../src/cli/configuration/configuration.ts";
import { readApart } from "../../src/cli/configuration/read-apart.ts";
import { InForce } from "../../src/cli/daemon/in-force.ts";
import type { Event } from "../../src/core/event.ts";
import { configurationOf } from "../unit/cli-fixtures.ts";
import { eventually, wait } from "./namespace.ts";

/** What is replaced with the configuration, on real files, threads and sockets. */

const text = (...lines: string[]) => `pair: www
address: 127.0.0.1
key: /etc/failover/key
nodes:
  primary: { interface: eth0, paths: [203.0.113.11], accessLog: LOG }
  backup: { interface: eth0, paths: [203.0.113.12] }
${lines.join("\n")}
`;

const line = '127.0.0.1 - - [21/Nov/2026:09:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "-"\n';

async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "failover-in-force-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

it("a file is read in a thread of its own, with its lines, or refused with its problems", async () => {
  const file = join(await scratch(), "failover.yaml");
  await writeFile(file, text("interval: 200ms").replace("LOG", "/srv/log"));
  const { configuration, lines } = await readApart(file);
  expect(configuration.interval).toBe(200);
  expect(lines.get("interval")).toBe(7);
  await writeFile(file, text("interval: fast"));
  await expect(readApart(file)).rejects.toThrow(/^Cannot use .*: 2 problems\n.*line 5.*\n.*line 7/);
  await rm(file);
  await expect(readApart(file)).rejects.toThrow(`Cannot read ${file}: there is no such file`);
});

it("another access_log is counted, and another port is looked at, from the change on", async () => {
  const directory = await scratch();
  const [first, second] = [join(directory, "first.log"), join(directory, "second.log")];
  await Promise.all([writeFile(first, ""), writeFile(second, line)]);
  const ports = await Promise.all([listening(), listening()]);
  const configurationWith = (log: string, port: number): Configuration =>
    configurationOf(text(`canary: { port: ${port} }`).replace("LOG", log));
  const events: Event[] = [];
  const counts: string[] = [];
  const troubles: string[] = [];
  await using inForce = new InForce({
    configuration: configurationWith(first, ports[0].port),
    node: "primary",
    onCount: ({ id, requests }) => counts.push(`${id}: ${requests}`),
    report: (event) => events.push(event),
    onTrouble: ({ kind, place }) => troubles.push(`${kind} ${place}`),
  });
  await inForce.start();
  // Of the first file alone, and not a word of it when another one is read.
  await rm(first);
  await eventually("the missing file", () => troubles.includes(`began access_log ${first}`), 9000);
  await writeFile(first, "");
  await eventually("the file again", () => troubles.includes(`ended access_log ${first}`));
  troubles.length = 0;
  const listens = () => events.findLast((event) => event.kind === "service-observed")?.listening;
  await eventually("the first port", () => listens() === true);

  ports[0].server.close();
  const keys = new Set(["nodes.primary.accessLog", "canary.port"]);
  inForce.use(configurationWith(second, ports[1].port), keys);
  events.length = 0;
  await inForce.traffic.count("after");
  await appendFile(first, line);
  await appendFile(second, line);
  await eventually("the line of the second file", () => counts.at(-1) === "after: 1");
  await wait(1200);
  expect(counts).toEqual(["after: 1"]);
  expect(events.length).toBeGreaterThan(0);
  expect(listens()).toBe(true);
  expect(troubles).toEqual([]);
});

async function listening() {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return { server, port: typeof address === "object" ? (address?.port ?? 0) : 0 };
}
