import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { describe, expect, it } from "vitest";

import { Sessions } from "../../src/agent/sessions.ts";
import type { Instant } from "../../src/core/time.ts";
import type { Envelope, Session } from "../../src/protocol/datagram.ts";
import {
  at,
  beat,
  believed,
  believingPair,
  from,
  interval,
  ours,
  pair,
  theirNext,
  theirs,
} from "./sessions-fixtures.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

describe("a replayed beat changes nothing", () => {
  /** Everything that B ever sent to A, in two boots of each. */
  function recorded(): { recording: Envelope[]; a: Sessions; b: Sessions } {
    const recording: Envelope[] = [];
    const first = {
      a: new Sessions("a1".repeat(8), 2, interval),
      b: new Sessions("b1".repeat(8), 2, interval),
    };
    const second = { a: new Sessions(ours, 2, interval), b: new Sessions(theirs, 2, interval) };
    for (const [boot, { a, b }] of [first, second].entries()) {
      for (let turn = 0; turn < 50; turn += 1) {
        const now = at(boot * 10_000 + turn * 100);
        b.hear(0, beat(a, now), now);
        const sent = beat(b, now);
        recording.push(sent);
        a.hear(0, sent, now);
      }
    }
    return { recording, ...second };
  }

  it.each<[string, number]>([
    ["at once", 15_000],
    ["an hour later", 3_600_000],
  ])("of this boot or an earlier one, %s", (_title, later) => {
    const { recording, a } = recorded();
    const keys = a.peerKeys(at(15_000));
    const echoed = a.next(at(15_000)).echoes.map(({ session, counters }) => [session, ...counters]);
    const verdicts = new Set<string>();
    for (const sent of recording) {
      const verdict = a.hear(0, { ...sent, ask: true }, at(later));
      verdicts.add(verdict.kind === "dropped" ? verdict.reason : verdict.kind);
    }
    expect(verdicts).toEqual(new Set(["candidate", "replay"]));
    expect(a.peerKeys(at(15_000))).toEqual(keys);
    const [believedNow] = a.next(at(later)).echoes;
    expect([believedNow?.session, ...(believedNow?.counters ?? [])]).toEqual(echoed[0]);
  });

  it("to a machine that has just started, which believes nothing of it", () => {
    const { recording } = recorded();
    const restarted = new Sessions("a3".repeat(8), 2, interval);
    for (const [index, sent] of recording.entries()) {
      beat(restarted, at(20_000 + index));
      expect(restarted.hear(0, sent, at(20_000 + index)).kind).not.toBe("believed");
    }
  });

  it("when it was sent, and heard by nobody, before the session was first heard", () => {
    const { a } = pair();
    beat(a, at(0));
    expect(a.hear(0, from(theirs, 500, { [ours]: [1, 0] }), at(1)).kind).toBe("believed");
    for (let counter = 1; counter < 500; counter += 1) {
      expect(a.hear(0, from(theirs, counter), at(2))).toEqual({
        kind: "dropped",
        reason: "replay",
      });
    }
  });

  it("when it is our own and comes back", () => {
    const { a } = believingPair();
    expect(a.hear(0, beat(a, at(100)), at(100))).toEqual({ kind: "dropped", reason: "own" });
  });
});

describe("a flood of recorded beats", () => {
  const recordings = Array.from({ length: 60 }, (_, index) =>
    (index + 1).toString(16).padStart(16, "d"),
  );

  it("costs the believed peer nothing", () => {
    const { a, b } = believingPair();
    for (let beats = 0; beats < 20; beats += 1) {
      const now = at(1000 + beats * 100);
      flood(a, recordings, now, beats);
      expect(believed(a.hear(0, beat(b, now), now)).newest).toBe(true);
    }
  });

  it("on one machine delays nothing: who proves that it hears us needs no place", () => {
    const { a } = believingPair();
    const b = new Sessions(theirNext, 2, interval);
    flood(a, recordings, at(900), 0);
    expect(b.hear(0, beat(a, at(1000)), at(1001)).kind).toBe("candidate");
    flood(a, recordings, at(1001), 1);
    expect(believed(a.hear(0, beat(b, at(1002)), at(1003))).fresh).toBe(true);
    flood(a, recordings, at(1003), 2);
    expect(believed(b.hear(0, beat(a, at(1004)), at(1005))).fresh).toBe(true);
  });

  it("on both, of 60 recorded starts, delays belief by at most a turn for each", () => {
    const a = new Sessions(ours, 2, interval);
    const b = new Sessions(theirs, 2, interval);
    let metAfter: number | undefined;
    for (let now = 0; now < 40_000 && metAfter === undefined; now += 1) {
      // Before every honest beat each recording gets its chance, so no chance favours the peer.
      flood(a, recordings, at(now), now);
      flood(b, recordings, at(now), now);
      if (now % interval === 0) {
        const toB = b.hear(0, beat(a, at(now)), at(now));
        const toA = a.hear(0, beat(b, at(now)), at(now));
        if (toA.kind === "believed" && toB.kind === "believed") metAfter = now;
      }
    }
    expect(metAfter).toBeGreaterThan(300);
    expect(metAfter).toBeLessThan(61 * 3 * interval);
  });

  it("is refused by name, all but the one that has the place", () => {
    const { a } = believingPair();
    expect(a.hear(0, from("d1".repeat(8), 1), at(1000))).toEqual({ kind: "candidate" });
    expect(a.hear(0, from("d2".repeat(8), 1), at(1299))).toEqual({
      kind: "dropped",
      reason: "stranger",
    });
    expect(a.hear(0, from("d2".repeat(8), 2), at(1300))).toEqual({ kind: "candidate" });
    expect(a.hear(0, from("d1".repeat(8), 2), at(1700))).toEqual({
      kind: "dropped",
      reason: "stranger",
    });
  });

  function flood(
    victim: Sessions,
    sessions: readonly Session[],
    now: Instant,
    round: number,
  ): void {
    for (const session of sessions) victim.hear(0, from(session, 1000 + round), now);
  }
});

it("what is remembered of strangers and of ended sessions is bounded", () => {
  const { a } = believingPair();
  const before = heapInUse();
  for (let index = 0; index < 100_000; index += 1) {
    const now = at(1000 + index * 300);
    const session = index.toString(16).padStart(16, "d");
    const echoed = index % 2 === 0 ? { [ours]: [beat(a, now).counter, 0] } : {};
    a.hear(0, from(session, 1, echoed), now);
  }
  expect(heapInUse() - before).toBeLessThan(2 ** 20);
  expect(a.next(at(0)).echoes.length).toBe(2);
});

/** What is still reachable. */
function heapInUse(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
