import { describe, expect, it } from "vitest";

import type { Host } from "../../src/agent/ports.ts";
import { type Diversion, type Flow, noDiversion, sameDiversion } from "../../src/core/diversion.ts";
import type { MacAddress } from "../../src/core/beat.ts";
import type { Carrier, Event, Presence } from "../../src/core/event.ts";
import { absent, held, silent } from "./wishes.ts";

/**
 * What every host keeps, the Linux one and the simulated one. The harness is the world around it: a
 * neighbour on the same network, an administrator's hands, and the kernel seen from outside.
 */
export interface HostHarness extends AsyncDisposable {
  /** Has been started, with the lease `leaseMillis`, and one neighbour as its witness. */
  readonly host: Host;
  readonly leaseMillis: number;
  /** MACs of this machine's service interface and of the neighbour's. */
  readonly mac: MacAddress;
  readonly neighbourMac: MacAddress;
  /** What the host has reported so far, oldest first. */
  readonly events: readonly Event[];
  wait(millis: number): Promise<void>;
  /** Waits, at most `withinMillis`, for what has to come; fails with `what`. */
  eventually(what: string, seen: () => boolean, withinMillis?: number): Promise<void>;
  /** The host's renewals, every so many milliseconds; 0: none. */
  keepRenewing(every: number): void;
  /** The pair's addresses on the service interface, asked of the kernel itself. */
  presence(): Presence;
  /** Whether the neighbour, asking the network, is answered for the address by this machine. */
  answers(): Promise<boolean>;
  removeByHand(): void;
  /** Takes all carrier from the service interface, or gives it back. */
  setCarrier(up: boolean): void;
  /** Another machine on the network has the address, or no longer. */
  setOtherHolder(holds: boolean): void;
  /** The witness answers, or no longer. */
  setWitness(alive: boolean): void;
  /** The MAC that the neighbour's table has for the address. */
  neighbourKnows(): MacAddress | undefined;
  /** As after a takeover: its table still names another machine. */
  misleadNeighbour(mac: MacAddress): void;
}

const flow: Flow = {
  address: "10.99.0.100",
  port: 80,
  client: "10.99.0.7",
  clientPort: 40_000,
};

export const describeHost = (name: string, makeHarness: () => Promise<HostHarness>): void => {
  const scene = (title: string, play: (harness: HostHarness) => Promise<void>): void => {
    it(title, async () => {
      await using harness = await makeHarness();
      await play(harness);
    });
  };

  describe(`${name}: the address`, () => {
    scene("what is there at the start is reported before anything is wished", async (h) => {
      await h.eventually("the address observed absent", () => lastPresence(h) === "none");
      await h.eventually("carrier observed", () => lastCarrier(h) === "up");
      expect(h.presence()).toBe("none");
    });

    scene("wished present, it is there, and is reported", async (h) => {
      h.host.reconcile(held);
      await h.eventually("the address observed", () => lastPresence(h) === "all");
      expect(h.presence()).toBe("all");
    });

    scene("wished absent, it is gone when it is reported gone", async (h) => {
      await hold(h);
      h.host.reconcile(absent);
      await h.eventually("the address observed absent", () => lastPresence(h) === "none");
      expect(h.presence()).toBe("none");
    });

    scene("a wish that is fulfilled already is answered all the same", async (h) => {
      await h.eventually("the first report", () => lastPresence(h) === "none");
      const before = h.events.length;
      h.host.reconcile(absent);
      const answered = () => h.events.slice(before).some(isPresence("none"));
      await h.eventually("the answer", answered);
    });

    scene("the newest wish wins, however fast they come", async (h) => {
      for (const wish of [held, absent, held, absent, held, absent]) h.host.reconcile(wish);
      await h.eventually("the address observed absent", () => lastPresence(h) === "none");
      await h.wait(200);
      expect(h.presence()).toBe("none");
      for (const wish of [held, absent, held]) h.host.reconcile(wish);
      await h.eventually("the address observed", () => lastPresence(h) === "all");
      await h.wait(200);
      expect(h.presence()).toBe("all");
    });

    scene("not renewed, it goes by itself within lease + 1 s, and that is reported", async (h) => {
      h.host.reconcile(held);
      await h.eventually("the address observed", () => lastPresence(h) === "all");
      const from = h.events.length;
      const gone = () =>
        h.events
          .slice(from)
          .some((event) => isPresence("none")(event) || isPresence("some")(event));
      await h.wait(h.leaseMillis / 2);
      expect(gone()).toBe(false);
      await h.eventually("the lease taking it", gone, h.leaseMillis / 2 + 1100);
    });

    scene("renewed, it never goes, and every renewal is reported", async (h) => {
      await hold(h);
      const from = h.events.length;
      await h.wait(h.leaseMillis * 2);
      const seen = h.events.slice(from);
      expect(seen.some((event) => isPresence("none")(event) || isPresence("some")(event))).toBe(
        false,
      );
      const sentAt = seen.flatMap((event) => (event.kind === "renewed" ? [event.sentAt] : []));
      expect(sentAt.length).toBeGreaterThan(8);
      expect(sentAt.toSorted((one, other) => one - other)).toEqual(sentAt);
      expect(h.presence()).toBe("all");
    });

    scene("a renewal never creates an address that is wished absent", async (h) => {
      await hold(h);
      h.host.reconcile(absent);
      h.host.renew();
      await h.eventually("the address observed absent", () => lastPresence(h) === "none");
      const from = h.events.length;
      for (let count = 0; count < 20; count += 1) h.host.renew();
      await h.wait(100);
      expect(h.presence()).toBe("none");
      expect(h.events.slice(from).some((event) => event.kind === "renewed")).toBe(false);
    });

    scene("removed by another program, it is put back", async (h) => {
      await hold(h);
      const from = h.events.length;
      h.removeByHand();
      await h.eventually("it being put back", () => {
        const seen = h.events.slice(from);
        const gone = seen.findIndex(
          (event) => isPresence("none")(event) || isPresence("some")(event),
        );
        return gone >= 0 && seen.slice(gone).some(isPresence("all"));
      });
      expect(h.presence()).toBe("all");
    });
  });

  describe(`${name}: the silent address`, () => {
    scene("it is not answered for, and the address on the interface is", async (h) => {
      h.host.reconcile(silent);
      await h.eventually("silence observed", () => lastSilent(h) === true);
      expect(h.presence()).toBe("none");
      expect(await h.answers()).toBe(false);
      h.keepRenewing(200);
      h.host.reconcile(held);
      await h.eventually("silence ended", () => lastSilent(h) === false);
      await h.eventually("the address observed", () => lastPresence(h) === "all");
      expect(await h.answers()).toBe(true);
    });
  });

  describe(`${name}: connections`, () => {
    scene("what is to be passed on is reported when it is, and when it no longer is", async (h) => {
      await hold(h);
      const diversion = { kind: "share", to: h.neighbourMac, share: 0, testers: [] } as const;
      h.host.reconcile({ ...held, diversion });
      await h.eventually("the diversion", () => lastDiversion(h)?.kind === "share");
      h.host.reconcile({ ...held, diversion: { ...diversion, share: 1 } });
      const all = () => sameDiversion(lastDiversion(h) ?? noDiversion, { ...diversion, share: 1 });
      await h.eventually("all of it", all);
      h.host.reconcile(held);
      await h.eventually("its end", () => lastDiversion(h)?.kind === "none");
    });

    scene("connections are counted while they matter", async (h) => {
      await hold(h);
      const counted = () => h.events.some(({ kind }) => kind === "connections-counted");
      expect(counted()).toBe(false);
      const diversion = { kind: "share", to: h.neighbourMac, share: 0, testers: [] } as const;
      h.host.reconcile({ ...held, diversion });
      await h.eventually("a count", counted);
    });

    scene("what is kept is listed, and known to the kernel by then", async (h) => {
      await hold(h);
      const diversion = { kind: "share", to: h.neighbourMac, share: 1, testers: [] } as const;
      h.host.reconcile({ ...held, diversion });
      await h.eventually("the diversion", () => lastDiversion(h)?.kind === "share");
      h.host.listKept("0123456789ab");
      await h.eventually("the list", () => h.events.some(({ kind }) => kind === "kept-listed"));
      h.host.reconcile({ ...held, diversion: { kind: "all-but-kept", to: h.neighbourMac } });
      await h.eventually("the turn", () => lastDiversion(h)?.kind === "all-but-kept");
    });

    scene("the peer's list is placed", async (h) => {
      h.host.reconcile({ ...silent, diversion: { kind: "kept", to: h.neighbourMac } });
      await h.eventually("the diversion", () => lastDiversion(h)?.kind === "kept");
      h.host.placeKept("0123456789ab", [flow]);
      await h.eventually("the list", () => h.events.some(({ kind }) => kind === "kept-placed"));
    });

    scene("a target that is gone: its clients are told, and nothing is left", async (h) => {
      await hold(h);
      const diversion = { kind: "share", to: h.neighbourMac, share: 1, testers: [] } as const;
      h.host.reconcile({ ...held, diversion });
      await h.eventually("the diversion", () => lastDiversion(h)?.kind === "share");
      h.host.reconcile({ ...held, diversion: { kind: "reset" } });
      await h.eventually("its end", () => lastDiversion(h)?.kind === "none");
    });

    scene("the address stays beside the silent one, and leaves when that is muted", async (h) => {
      await hold(h);
      h.host.reconcile({ ...held, silent: "present" });
      await h.eventually("the silent address", () => lastSilent(h) === true);
      expect(h.presence()).toBe("all");
      expect(await h.answers()).toBe(true);
      h.host.reconcile(silent);
      await h.eventually("the address observed absent", () => lastPresence(h) === "none");
      expect(await h.answers()).toBe(false);
    });
  });

  describe(`${name}: the network`, () => {
    scene("the peer's kernel answers for the peer's own address", async (h) => {
      h.host.probePeer();
      const answered = () => h.events.some(({ kind }) => kind === "peer-kernel-answered");
      await h.eventually("the answer", answered, 5000);
    });

    scene("a probe is answered by the machine that has the address, with its MAC", async (h) => {
      h.setOtherHolder(true);
      h.host.probe(undefined);
      const named = () =>
        h.events.some(
          (event) => event.kind === "neighbour-answered" && event.mac === h.neighbourMac,
        );
      await h.eventually("the holder's answer", named, 5000);
    });

    scene("a probe unicast to the holder is answered too", async (h) => {
      h.setOtherHolder(true);
      h.host.probe(h.neighbourMac);
      const named = () => h.events.some((event) => event.kind === "neighbour-answered");
      await h.eventually("the holder's answer", named, 5000);
    });

    scene("a probe for an address that nobody has stays unanswered", async (h) => {
      for (let count = 0; count < 5; count += 1) {
        h.host.probe(h.neighbourMac);
        await h.wait(20);
      }
      await h.wait(200);
      expect(h.events.filter((event) => event.kind === "neighbour-answered")).toEqual([]);
    });

    scene("the address this machine has itself is nobody else's", async (h) => {
      await hold(h);
      h.host.probe(undefined);
      h.host.announce();
      await h.wait(200);
      expect(h.events.filter((event) => event.kind === "neighbour-answered")).toEqual([]);
    });

    scene("a witness that lives answers, and what was heard is reported", async (h) => {
      h.host.probeWitness();
      const witnessed = () => h.events.some((event) => event.kind === "witness-answered");
      await h.eventually("the witness", witnessed, 5000);
      const heard = () => h.events.some((event) => event.kind === "network-heard");
      await h.eventually("the network", heard, 5000);
    });

    scene("a witness that is gone does not answer", async (h) => {
      h.setWitness(false);
      for (let count = 0; count < 5; count += 1) {
        h.host.probeWitness();
        await h.wait(20);
      }
      await h.wait(200);
      expect(h.events.filter((event) => event.kind === "witness-answered")).toEqual([]);
    });

    scene("the loss of carrier is reported, and its return", async (h) => {
      await h.eventually("carrier observed", () => lastCarrier(h) === "up");
      h.setCarrier(false);
      await h.eventually("carrier lost", () => lastCarrier(h) === "none");
      h.setCarrier(true);
      await h.eventually("carrier back", () => lastCarrier(h) === "up");
    });

    scene("an announcement moves the neighbour's table to this machine", async (h) => {
      await hold(h);
      h.misleadNeighbour("02:00:00:00:00:99");
      expect(h.neighbourKnows()).toBe("02:00:00:00:00:99");
      h.host.announce();
      await h.eventually("the neighbour learning it", () => h.neighbourKnows() === h.mac, 5000);
    });
  });
};

/** Wished, seen, and renewed from then on. */
export const hold = async (h: HostHarness): Promise<void> => {
  h.keepRenewing(200);
  h.host.reconcile(held);
  await h.eventually("the address observed", () => lastPresence(h) === "all");
};

export const isPresence =
  (presence: Presence) =>
  (event: Event): boolean =>
    event.kind === "address-observed" && event.presence === presence;

const lastPresence = (h: HostHarness): Presence | undefined =>
  h.events.findLast((event) => event.kind === "address-observed")?.presence;

const lastDiversion = (h: HostHarness): Diversion | undefined =>
  h.events.findLast((event) => event.kind === "diversion-observed")?.diversion;

const lastSilent = (h: HostHarness): boolean | undefined =>
  h.events.findLast((event) => event.kind === "silent-observed")?.present;

const lastCarrier = (h: HostHarness): Carrier | undefined =>
  h.events.findLast((event) => event.kind === "carrier-observed")?.carrier;
