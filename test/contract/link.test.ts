import { expect, it } from "vitest";

import type { Carrier } from "../../src/core/event.ts";
import type { Wish } from "../../src/core/effect.ts";
import { LinuxHarness } from "./linux-harness.ts";
import { Namespace, wait } from "./namespace.ts";
import { absent, held } from "./wishes.ts";

/** The service interface as a whole, on a real kernel. */

const free: Wish = { ...absent, link: "free" };

const isUp = (h: LinuxHarness): boolean =>
  /<[^>]*\bUP\b/.test(h.pair.here.run("ip link show eth0"));
const carriers = (h: LinuxHarness): readonly Carrier[] =>
  h.events.flatMap((event) => (event.kind === "carrier-observed" ? [event.carrier] : []));

const startWithLink = async (): Promise<LinuxHarness> => {
  const h = await LinuxHarness.start({ heartbeatInterface: "lo" });
  await h.eventually("carrier", () => carriers(h).at(-1) === "up");
  return h;
};

it("an interface that is free is put down, and one that is needed up", async () => {
  await using h = await startWithLink();
  h.host.reconcile(free);
  await h.eventually("its being down", () => !isUp(h));
  await h.eventually("its being unknown", () => carriers(h).at(-1) === "unknown");
  h.host.reconcile(absent);
  await h.eventually("its being up", () => isUp(h));
  await h.eventually("its carrier", () => carriers(h).at(-1) === "up");
  expect(carriers(h)).not.toContain("none");
  expect(h.commands).toEqual(["ip link set dev eth0 down", "ip link set dev eth0 up"]);
  h.host.reconcile(held);
  await h.eventually("the address", () => h.presence() === "all");
  expect(await h.answers()).toBe(true);
});

it("an interface that is held is put up again, and is put down when the address is gone", async () => {
  await using h = await startWithLink();
  h.keepRenewing(100);
  h.host.reconcile(held);
  await h.eventually("the address", () => h.presence() === "all");
  h.pair.here.run("ip link set dev eth0 down");
  await h.eventually("its being up again", () => isUp(h));
  await h.eventually("the address there", () => h.presence() === "all");
  h.host.reconcile(free);
  let together = false;
  await h.eventually("its being down", () => {
    together ||= !isUp(h) && h.presence() !== "none";
    return !isUp(h);
  });
  expect(together).toBe(false);
});

it("a cable that is not there is no carrier after some seconds, and is noticed when it is", async () => {
  await using h = await startWithLink();
  h.host.reconcile(free);
  await h.eventually("its being down", () => !isUp(h));
  h.setCarrier(false);
  h.host.reconcile(absent);
  await wait(3000);
  expect(carriers(h).at(-1)).toBe("unknown");
  await h.eventually("no carrier", () => carriers(h).at(-1) === "none", 6000);
  // Down, it could not be noticed.
  h.host.reconcile(free);
  await wait(2500);
  expect(isUp(h)).toBe(true);
  h.setCarrier(true);
  await h.eventually("the carrier", () => carriers(h).includes("up"));
  await h.eventually("its being down", () => !isUp(h));
});

it("an interface that cannot be put up is no carrier, and is tried until it can", async () => {
  await using h = await startWithLink();
  h.host.reconcile(free);
  await h.eventually("its being unknown", () => carriers(h).at(-1) === "unknown");
  // The kernel opens no macvlan that has the MAC of what it stands on.
  const mac = "address 02:00:00:00:00:21";
  h.pair.here.run(`ip link add low0 ${mac} type veth peer name low1`);
  for (const part of ["low0", "low1"]) h.pair.here.run(`ip link set ${part} up`);
  h.pair.here.run("ip link del eth0");
  h.pair.here.run(`ip link add link low0 name eth0 ${mac} type macvlan`);
  await h.eventually("its being down", () => carriers(h).at(-1) === "unknown");
  h.host.reconcile(absent);
  await h.eventually("the refusal", () => h.troubles.join().includes("link set dev eth0 up"));
  await h.eventually("no carrier", () => carriers(h).at(-1) === "none");
  h.host.reconcile(free);
  await wait(1500);
  expect(carriers(h).at(-1)).toBe("none");
  h.pair.here.run("ip link set eth0 address 02:00:00:00:00:22");
  await h.eventually("its coming up", () => isUp(h), 8000);
  await h.eventually("the end of the trouble", () => h.mended.includes("link"));
  await h.eventually("its being down", () => !isUp(h), 8000);
});

it("what cannot be sent where the machines hear each other is forgiven with the carrier", async () => {
  await using h = await startWithLink();
  h.pair.here.run("ip link set lo down");
  h.host.probePeer();
  await h.eventually("the trouble", () => h.troubles.join().includes("on the heartbeat network"));
  h.pair.here.run("ip link set lo up");
  await h.eventually("its end", () => h.mended.includes("send heartbeat"));
});

it("a network that nobody listens to any more is no trouble", async () => {
  using here = await Namespace.open();
  const said = await here.evaluate(
    "neighbourhood.ts",
    `(() => {
      const said = [];
      const say = (place) => said.push("say " + place);
      const mended = (place) => said.push("mended " + place);
      const options = { network: "service", addresses: [], peers: [], troubles: { say, mended } };
      const neighbourhood = new it.Neighbourhood(options);
      neighbourhood.use({ interfaceIndex: 999, mac: "" });
      neighbourhood.send(4, new Uint8Array(42));
      neighbourhood.use(undefined);
      return said;
    })()`,
  );
  expect(said).toEqual([
    "say hearing service",
    "say send service",
    "mended hearing service",
    "mended send service",
  ]);
});

it("where only addresses move the interface is the administrator's", async () => {
  await using h = await LinuxHarness.start();
  h.host.reconcile(free);
  h.pair.here.run("ip link set dev eth0 down");
  await wait(1500);
  h.host.reconcile(held);
  await wait(500);
  expect(isUp(h)).toBe(false);
  expect(h.commands.filter((line) => line.includes("link"))).toEqual([]);
});
