import { createInterface } from "node:readline";

import type { Flow } from "../../src/core/diversion.ts";
import type { Event } from "../../src/core/event.ts";
import { after, type Millis, millis } from "../../src/core/time.ts";
import { AlarmClock, now } from "../../src/linux/alarm-clock.ts";
import { LinuxHost } from "../../src/linux/host.ts";
import type { HostSettings, LinuxHostOptions } from "../../src/linux/host-options.ts";

/**
 * Runs a LinuxHost in the network namespace it was started in. One JSON value a line: orders come
 * in on the standard input, and whatever the host reports goes out on the standard output.
 */

export type DriverOptions = Pick<
  LinuxHostOptions,
  | "pair"
  | "interface"
  | "heartbeatInterface"
  | "routes"
  | "addresses"
  | "peers"
  | "leaseSeconds"
  | "witness"
  | "announceRate"
>;

export type DriverOrder =
  | { readonly order: "reconcile"; readonly wish: Parameters<LinuxHost["reconcile"]>[0] }
  | { readonly order: "probe"; readonly holder?: string }
  | {
      readonly order: "renew" | "announce" | "probe-witness" | "probe-peer" | "cut-kept";
    }
  | { readonly order: "list-kept"; readonly id: string }
  | { readonly order: "use"; readonly settings: Partial<HostSettings> }
  | { readonly order: "use-lease"; readonly lease: Millis }
  | { readonly order: "place-kept"; readonly id: string; readonly flows: readonly Flow[] }
  /** Renews every so many milliseconds from now on, 0: no more. */
  | { readonly order: "keep-renewing"; readonly every: number };

export type DriverWord =
  | { readonly word: "event"; readonly event: Event }
  | { readonly word: "command" | "trouble" | "mended"; readonly text: string }
  | { readonly word: "announced"; readonly frames: number };

const say = (word: DriverWord): void => {
  process.stdout.write(`${JSON.stringify(word)}\n`);
};

/** As a heart does: every beat listens. */
const beat = (): void => {
  host.read();
  clock.set(after(now(), millis(100)));
};
const clock = new AlarmClock({ onAlarm: beat, received: () => 0, read: () => host.read() });
const options: DriverOptions = JSON.parse(process.argv[2] ?? "{}");
const host = new LinuxHost({
  ...options,
  now,
  report: (event) => say({ word: "event", event }),
  afterSockets: (act) => clock.afterSockets(act),
  onCommand: (text) => say({ word: "command", text }),
  onTrouble: (trouble) =>
    say(
      trouble.kind === "ended"
        ? { word: "mended", text: trouble.place }
        : { word: "trouble", text: trouble.sentence },
    ),
  onNotice: (text) => say({ word: "trouble", text }),
  onAnnounced: (frames) => say({ word: "announced", frames }),
});

let renewals: NodeJS.Timeout | undefined;

const obey = (order: DriverOrder): void => {
  switch (order.order) {
    case "reconcile":
      host.reconcile(order.wish);
      break;
    case "probe":
      host.probe(order.holder);
      break;
    case "probe-witness":
      host.probeWitness();
      break;
    case "probe-peer":
      host.probePeer();
      break;
    case "list-kept":
      host.listKept(order.id);
      break;
    case "place-kept":
      host.placeKept(order.id, order.flows);
      break;
    case "cut-kept":
      host.cutKept();
      break;
    case "use":
      host.use(order.settings);
      break;
    case "use-lease":
      host.useLease(order.lease);
      break;
    case "renew":
      host.renew();
      break;
    case "announce":
      host.announce();
      break;
    case "keep-renewing":
      clearInterval(renewals);
      if (order.every > 0) renewals = setInterval(() => host.renew(), order.every);
  }
};

host.start();
beat();
const orders = createInterface({ input: process.stdin });
orders.on("line", (line) => obey(JSON.parse(line)));
orders.on("close", () => process.exit());
