import { expect, it } from "vitest";

import { hold } from "./host-contract.ts";
import { LinuxHarness } from "./linux-harness.ts";
import { wait } from "./namespace.ts";
import { absent } from "./wishes.ts";

/** Routes that come and go with the address, beside those of the machine's own, on a real kernel. */

const destination = "198.51.100.0/24";
const route = `${destination} via 10.99.0.12 dev eth0 src 10.99.0.100`;

const shown = (h: LinuxHarness): string => h.pair.here.run(`ip route show ${destination}`).trim();
const isThere = (h: LinuxHarness) => () => shown(h) !== "";
const isGone = (h: LinuxHarness) => () => shown(h) === "";
const commands = (h: LinuxHarness) => h.commands.filter((line) => line.startsWith("ip route"));

/** The kernel says nothing when a route goes: it is read every five seconds. */
const untilRead = 9000;

it("routes come after the address and go before it", async () => {
  await using h = await LinuxHarness.start({ routes: [route] });
  await hold(h);
  await h.eventually("the route", isThere(h));
  h.host.reconcile(absent);
  await h.eventually("the address gone", () => h.lastPresence === "none");
  expect(shown(h)).toBe("");
  expect(h.commands).toEqual([
    "ip addr add 10.99.0.100/32 dev eth0 valid_lft 2 preferred_lft 2",
    `ip route add ${route} proto 94`,
    `ip route del ${route} proto 94`,
    "ip addr del 10.99.0.100/32 dev eth0",
  ]);
  expect(h.troubles).toEqual([]);
});

it("a route that goes by itself or by hand is added again, and told of", async () => {
  await using h = await LinuxHarness.start({ routes: [route] });
  await hold(h);
  await h.eventually("the route", isThere(h));
  h.pair.here.run(`ip route del ${destination}`);
  await h.eventually("its being back", isThere(h), untilRead);
  const told = `The route ${route} went away while the address is here: adding it again`;
  await h.eventually("its being told", () => h.troubles.includes(told));
  // Quicker than anybody looks, and the address stays: the kernel takes the route, and says nothing.
  const adds = () => commands(h).filter((line) => line.includes(" add ")).length;
  const before = adds();
  h.pair.here.run("ip link set dev eth0 down");
  h.pair.here.run("ip link set dev eth0 up");
  const isBack = () => adds() > before && isThere(h)();
  await h.eventually("its being back with the interface", isBack, untilRead);
  h.removeByHand();
  await h.eventually("its being back with the address", isThere(h), untilRead);
  h.host.reconcile(absent);
  await h.eventually("its being gone", isGone(h));
});

it("a route of the machine's own to the same place stays, whatever comes and goes", async () => {
  await using h = await LinuxHarness.start({ routes: [`${destination} via 10.99.0.12`] });
  h.pair.here.run(`ip route add ${destination} via 10.99.0.12`);
  const inPlace = (route: string) =>
    h.pair.here.evaluate<{ device: string } | null>(
      "own-routes.ts",
      `it.inPlaceOf("${route}") ?? null`,
    );
  expect((await inPlace(`${destination} via 10.99.0.1`))?.device).toBe("eth0");
  expect(await inPlace(`${destination} via 10.99.0.1 metric 7`)).toBeNull();
  await hold(h);
  await h.eventually("the trouble", () => h.troubles.join().includes("File exists"), 5000);
  h.host.reconcile(absent);
  await h.eventually("the address gone", () => h.lastPresence === "none");
  await wait(300);
  expect(shown(h)).toContain("via 10.99.0.12");
  expect(commands(h).filter((line) => line.includes("del"))).toEqual([]);
});

it("a route of the machine's own with another metric stands beside it, and outlasts it", async () => {
  await using h = await LinuxHarness.start({ routes: [`${destination} via 10.99.0.12 metric 7`] });
  h.pair.here.run(`ip route add ${destination} via 10.99.0.12 metric 100`);
  await hold(h);
  await h.eventually("both", () => shown(h).split("\n").length === 2);
  h.host.reconcile(absent);
  await h.eventually("one of them", () => shown(h).split("\n").length === 1);
  expect(shown(h)).toContain("metric 100");
  expect(h.troubles).toEqual([]);
});

it("what the last agent put there goes where the address is not", async () => {
  const left = `${destination} via 10.99.0.12`;
  await using h = await LinuxHarness.start({ routes: [left] }, ({ here }) =>
    here.run(`ip route add ${left} proto 94`),
  );
  h.host.reconcile(absent);
  await h.eventually("its being gone", isGone(h), untilRead);
  expect(h.troubles).toEqual([]);
});

it("an ip that is killed in the middle is not believed: what is there is read", async () => {
  await using h = await LinuxHarness.start({ routes: [route] });
  await hold(h);
  await h.eventually("the route", isThere(h));
  const [batch = 0] = h.children("-batch");
  process.kill(batch, "SIGSTOP");
  h.host.reconcile(absent);
  await h.eventually("the address gone", () => h.presence() === "none", 5000);
  await h.eventually("the route gone", isGone(h), untilRead);
});
