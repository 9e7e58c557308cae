import { expect, test } from "vitest";

import { instant } from "../../src/core/time.ts";
import { parseAddress } from "../../src/linux/ip-address.ts";
import type { BatchResult } from "../../src/linux/ip-batch.ts";
import type { Picture } from "../../src/linux/picture.ts";
import { ServiceLink } from "../../src/linux/service-link.ts";
import { Troubles } from "../../src/linux/troubles.ts";

const address = parseAddress("203.0.113.10");

const states = {
  down: { up: false, carrier: false },
  coming: { up: true, carrier: false },
  up: { up: true, carrier: true },
} as const;

/** The interface, whose kernel and whose `ip` are the test's own. */
class Bench {
  time = 1000;
  state: keyof typeof states | "gone" = "down";
  /** Of every job: its lines, and how it ends. */
  readonly jobs: { line: string; calledOff: boolean; end: (result: BatchResult) => void }[] = [];
  ended = 0;
  readonly troubles: string[] = [];
  readonly link = new ServiceLink({
    interface: "eth1",
    scene: () => ({
      interface: "eth1",
      silentInterface: "lo",
      addresses: [address],
      former: [],
      muteTable: "failover",
    }),
    batch: {
      run: (lines, end) => {
        const job = { line: lines.join("; "), calledOff: false, end };
        this.jobs.push(job);
        return () => {
          job.calledOff = true;
        };
      },
    },
    now: () => instant(this.time),
    troubles: new Troubles((told) => {
      this.troubles.push(told.kind === "ended" ? "ended" : told.sentence);
    }),
  });

  get picture(): Picture {
    const link =
      this.state === "gone"
        ? undefined
        : { index: 2, name: "eth1", mac: "02:00:00:00:00:01", ...states[this.state] };
    return { link, service: [], silentIndex: 1, silent: [], muted: false };
  }

  get carrier(): string {
    return this.link.carrierOf(this.picture.link);
  }

  get lines(): readonly string[] {
    return this.jobs.map(({ line }) => line);
  }

  wish(wish: "needed" | "free"): void {
    this.link.reconcile(wish, this.picture);
  }

  see(state: Bench["state"]): void {
    this.state = state;
    this.link.look(this.picture);
  }

  /** Looked at once a second. */
  pass(millis: number): void {
    for (const end = this.time + millis; this.time < end; ) {
      this.time += Math.min(1000, end - this.time);
      this.link.look(this.picture);
    }
  }

  /** Each job ends once. */
  end(result: BatchResult): void {
    if (this.ended === this.jobs.length) return;
    this.ended = this.jobs.length;
    this.jobs.at(-1)?.end(result);
  }
}

const up = "link set dev eth1 up";
const down = "link set dev eth1 down";
const done: BatchResult = { kind: "done" };
const refused: BatchResult = { kind: "failed", reasons: ["Cannot run ip: No such firmware"] };

/** A holder whose interface came up as it should. */
function holder(): Bench {
  const bench = new Bench();
  bench.see("down");
  bench.wish("needed");
  bench.end(done);
  bench.see("up");
  bench.time += 60_000;
  return bench;
}

/** A machine that stands by, at the moment when its interface has been told to go down. */
function goingDown(): Bench {
  const bench = holder();
  bench.wish("free");
  bench.pass(1000);
  expect(bench.lines).toEqual([up, down]);
  return bench;
}

test("an interface that is refused has no carrier until it was seen up, needed or free", () => {
  const bench = new Bench();
  bench.see("down");
  expect(bench.carrier).toBe("unknown");
  bench.wish("needed");
  expect([bench.carrier, bench.lines]).toEqual(["unknown", [up]]);
  bench.end(refused);
  expect(bench.carrier).toBe("none");
  bench.wish("free");
  bench.pass(1000);
  expect(bench.carrier).toBe("none");
  bench.wish("needed");
  expect(bench.carrier).toBe("none");
  bench.end(done);
  bench.see("coming");
  expect(bench.carrier).toBe("unknown");
  bench.see("up");
  expect(bench.carrier).toBe("up");
  bench.wish("free");
  bench.pass(1000);
  bench.end(done);
  bench.see("down");
  expect(bench.carrier).toBe("unknown");
});

test("an up that comes to nothing is no carrier after its patience, and stays none", () => {
  const bench = new Bench();
  bench.see("down");
  bench.wish("needed");
  bench.end(done);
  bench.pass(5900);
  expect(bench.carrier).toBe("unknown");
  bench.pass(100);
  expect(bench.carrier).toBe("none");
  bench.wish("free");
  bench.wish("needed");
  expect(bench.carrier).toBe("none");
});

test("one that is refused is tried again every five seconds, also while it is free", () => {
  const bench = new Bench();
  bench.see("down");
  bench.wish("needed");
  bench.end(refused);
  bench.wish("free");
  for (let second = 0; second < 12; second += 1) {
    bench.end(refused);
    bench.pass(1000);
  }
  expect(bench.lines.length).toBe(4);
  bench.see("up");
  bench.pass(5000);
  expect(bench.lines.at(-1)).toBe(down);
});

test("one that is recreated is judged anew", () => {
  const bench = new Bench();
  bench.see("down");
  bench.wish("needed");
  bench.end(refused);
  bench.see("gone");
  expect(bench.carrier).toBe("none");
  bench.see("down");
  expect(bench.carrier).toBe("unknown");
});

test("a holder's that is put down by hand has its patience from then on", () => {
  const bench = holder();
  bench.see("down");
  expect([bench.carrier, bench.lines]).toEqual(["unknown", [up, up]]);
  bench.end(done);
  bench.pass(5000);
  bench.see("coming");
  bench.pass(5000);
  expect(bench.carrier).toBe("unknown");
  bench.pass(1000);
  expect(bench.carrier).toBe("none");
});

test("whoever puts it down again and again does not make the patience longer", () => {
  const bench = holder();
  for (let second = 0; second < 6; second += 1) {
    bench.see("down");
    bench.time += 500;
    bench.see("coming");
    bench.time += 500;
  }
  bench.link.look(bench.picture);
  expect(bench.carrier).toBe("unknown");
  bench.time += 500;
  bench.see("coming");
  expect(bench.carrier).toBe("none");
});

test("a cable that is pulled is no carrier at once", () => {
  const bench = holder();
  bench.see("coming");
  expect(bench.carrier).toBe("none");
});

test("a down that was not carried out is called off when the interface is needed", () => {
  const bench = goingDown();
  bench.wish("needed");
  expect(bench.jobs.at(-1)?.calledOff).toBe(true);
  bench.end({ kind: "called-off" });
  expect(bench.lines).toEqual([up, down]);
});

test("a down that was carried out all the same is answered at once", () => {
  const bench = goingDown();
  bench.wish("needed");
  bench.see("down");
  bench.end({ kind: "called-off" });
  expect(bench.lines).toEqual([up, down, up]);
  const late = goingDown();
  late.wish("needed");
  late.end({ kind: "called-off" });
  late.see("down");
  expect(late.lines).toEqual([up, down, up]);
});

test("against another program there is one command a second", () => {
  const bench = holder();
  bench.see("down");
  bench.end(done);
  bench.see("up");
  bench.see("down");
  expect(bench.lines).toEqual([up, up]);
  bench.pass(1000);
  expect(bench.lines).toEqual([up, up, up]);
});

test("a trouble is over when the interface is seen as it is wished, whoever did it", () => {
  const bench = new Bench();
  bench.see("down");
  bench.wish("needed");
  bench.end(refused);
  bench.see("gone");
  bench.see("up");
  expect(bench.troubles).toEqual(["Cannot run ip: No such firmware", "ended"]);
  const killed = goingDown();
  killed.end({ kind: "killed", reason: "ip ended with SIGKILL" });
  killed.see("down");
  expect(killed.troubles).toEqual([
    "Cannot tell whether eth1 was put down: ip ended with SIGKILL",
    "ended",
  ]);
});
