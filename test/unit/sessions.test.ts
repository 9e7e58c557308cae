import { describe, expect, it } from "vitest";

import { Sessions } from "../../src/agent/sessions.ts";
import type { Session } from "../../src/protocol/datagram.ts";
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

describe("two machines that start", () => {
  it("believe each other after three datagrams when neither heard the other before", () => {
    const { a, b } = pair();
    expect(b.hear(0, beat(a, at(0)), at(1)).kind).toBe("candidate");
    expect(believed(a.hear(0, beat(b, at(2)), at(3)))).toMatchObject({ fresh: true, newest: true });
    expect(believed(b.hear(0, beat(a, at(4)), at(5)))).toMatchObject({ fresh: true, newest: true });
    expect(believed(a.hear(0, beat(b, at(6)), at(7))).fresh).toBe(false);
    expect(a.next(at(8)).echoes.map((echo) => echo.session)).toEqual([theirs]);
    expect(b.next(at(8)).echoes.map((echo) => echo.session)).toEqual([ours]);
  });

  it("again believe each other after two datagrams, if the one that restarted heard first", () => {
    const { b } = believingPair();
    const a = new Sessions(theirNext, 2, interval);
    expect(a.hear(0, beat(b, at(1000)), at(1001)).kind).toBe("candidate");
    expect(believed(b.hear(0, beat(a, at(1002)), at(1003))).fresh).toBe(true);
    expect(believed(a.hear(0, beat(b, at(1004)), at(1005))).fresh).toBe(true);
  });

  it("do not believe a beat that echoes nothing, or only another session", () => {
    const { a } = pair();
    beat(a, at(0));
    expect(a.hear(0, from(theirs, 1), at(1)).kind).toBe("candidate");
    expect(a.hear(0, from(theirs, 2, { [theirNext]: [1, 1] }), at(1)).kind).toBe("candidate");
    expect(a.hear(0, from(theirs, 3, { [ours]: [0, 0] }), at(1)).kind).toBe("candidate");
  });

  it("do not believe an echo of more than 10 s ago", () => {
    const { a } = pair();
    beat(a, at(0));
    expect(a.hear(0, from(theirs, 1, { [ours]: [1, 0] }), at(10_001)).kind).toBe("candidate");
    expect(a.hear(0, from(theirs, 2, { [ours]: [1, 0] }), at(10_000)).kind).toBe("believed");
  });

  it("do not believe an echo of what was sent more than 4096 datagrams ago", () => {
    const { a } = pair();
    for (let sent = 1; sent <= 4097; sent += 1) beat(a, at(0));
    expect(a.hear(0, from(theirs, 1, { [ours]: [1, 0] }), at(1)).kind).toBe("candidate");
    expect(a.hear(0, from(theirs, 2, { [ours]: [2, 0] }), at(1)).kind).toBe("believed");
  });
});

describe("a believed session", () => {
  it("tells when we sent the newest datagram that it heard, on whatever path", () => {
    const { a } = pair();
    beat(a, at(0));
    beat(a, at(100));
    beat(a, at(200));
    const heard = (echoes: number[], counter: number) =>
      believed(a.hear(0, from(theirs, counter, { [ours]: echoes }), at(210))).heardOfUs;
    expect(heard([1, 0], 1)).toBe(at(0));
    expect(heard([1, 3], 2)).toBe(at(200));
    expect(heard([2, 1], 3)).toBe(at(200));
  });

  it("lives on while it cannot hear us, and shows that it does not", () => {
    const { a } = believingPair();
    beat(a, at(60_000));
    const deaf = believed(a.hear(0, from(theirs, 50, { [ours]: [2, 0] }), at(60_001)));
    expect(deaf.heardOfUs).toBeLessThan(at(1000));
    expect(believed(a.hear(0, from(theirs, 51), at(60_101))).heardOfUs).toBe(deaf.heardOfUs);
  });

  it("is echoed with the newest counter of each path", () => {
    const { a } = believingPair();
    a.hear(1, from(theirs, 12), at(100));
    a.hear(0, from(theirs, 11), at(101));
    a.hear(1, from(theirs, 10), at(102));
    expect(a.next(at(103)).echoes).toMatchObject([{ session: theirs, counters: [11, 12] }]);
  });

  it("has its overtaken beats heard as older, and each counter once", () => {
    const { a } = believingPair();
    const verdicts = [20, 22, 21, 20, 21, 22, 23].map((counter) => {
      const verdict = a.hear(0, from(theirs, counter), at(100));
      if (verdict.kind === "believed") return verdict.newest ? "newest" : "older";
      return verdict.kind === "dropped" ? verdict.reason : verdict.kind;
    });
    expect(verdicts).toEqual(["newest", "newest", "older", "replay", "replay", "replay", "newest"]);
  });
});

describe("an ask", () => {
  const ask = (session: Session, counter: number) => ({ ...from(session, counter), ask: true });

  it("of a believed session is answered, once", () => {
    const { a } = believingPair();
    expect(believed(a.hear(0, ask(theirs, 50), at(100))).answer).toBe(true);
    expect(a.hear(0, ask(theirs, 50), at(200))).toEqual({ kind: "dropped", reason: "replay" });
    expect(believed(a.hear(0, from(theirs, 51), at(300))).answer).toBe(false);
  });

  it("is answered at most once a millisecond, however many arrive", () => {
    const { a } = believingPair();
    let answers = 0;
    for (let counter = 50; counter < 1050; counter += 1) {
      const verdict = believed(a.hear(counter % 2, ask(theirs, counter), at(100 + counter / 100)));
      if (verdict.answer) answers += 1;
    }
    expect(answers).toBe(10);
  });

  it("of anybody else is not answered", () => {
    const { a } = believingPair();
    expect(a.hear(0, ask(theirNext, 1), at(100))).toEqual({ kind: "candidate" });
  });
});

describe("a session that is replaced", () => {
  it("is refused from then on", () => {
    const { a } = believingPair();
    const { counter } = beat(a, at(1000));
    expect(believed(a.hear(0, from(theirNext, 1, { [ours]: [counter, 0] }), at(1001))).fresh).toBe(
      true,
    );
    const late = from(theirs, 900, { [ours]: [beat(a, at(1002)).counter, 0] });
    expect(a.hear(0, late, at(1003))).toEqual({ kind: "dropped", reason: "replaced" });
    expect(a.next(at(1004)).echoes.map((echo) => echo.session)).toEqual([theirNext]);
  });

  it("is not replaced by an earlier one, whose last beat was held up on a slow path", () => {
    const { a } = pair();
    const early = beat(a, at(0));
    const heldUp = from(theirs, 3, { [ours]: [early.counter, 0] });
    const later = beat(a, at(100));
    a.hear(0, from(theirNext, 1, { [ours]: [later.counter, 0] }), at(101));
    expect(a.hear(1, heldUp, at(300)).kind).toBe("candidate");
    expect(believed(a.hear(0, from(theirNext, 2), at(301))).fresh).toBe(false);
  });

  it("is replaced again and again by a peer that keeps restarting", () => {
    const { a } = believingPair();
    for (let restart = 0; restart < 200; restart += 1) {
      const { counter } = beat(a, at(1000 + restart * 10));
      const session = restart.toString(16).padStart(16, "0");
      const verdict = a.hear(
        0,
        from(session, 1, { [ours]: [counter, 0] }),
        at(1001 + restart * 10),
      );
      expect(believed(verdict).fresh).toBe(true);
    }
  });
});

it("a machine put back to an earlier state goes on after what its peer has heard", () => {
  const { a, b } = believingPair();
  for (let sent = 0; sent < 300; sent += 1) b.hear(0, beat(a, at(1000)), at(1000));
  // The snapshot: the same session, with fewer datagrams sent.
  const restored = new Sessions(ours, 2, interval);
  expect(b.hear(0, beat(restored, at(2000)), at(2000)).kind).toBe("dropped");
  restored.hear(0, beat(b, at(2001)), at(2001));
  expect(believed(b.hear(0, beat(restored, at(2002)), at(2002))).newest).toBe(true);
  expect(believed(restored.hear(0, beat(b, at(2003)), at(2003))).fresh).toBe(true);
});

it("a machine put back to an earlier state takes no skipped number for one that it sent", () => {
  const { a } = pair();
  beat(a, at(0));
  expect(a.hear(0, from(theirs, 1, { [ours]: [4097, 0] }), at(1)).kind).toBe("candidate");
  expect(a.hear(0, from(theirs, 2, { [ours]: [4097, 0] }), at(2)).kind).toBe("candidate");
  expect(beat(a, at(3)).counter).toBe(4098);
});

describe("what the peer says of keys", () => {
  it("is its newest beat's word", () => {
    const { a } = believingPair();
    a.hear(0, { ...from(theirs, 31), keys: { signed: 1, newest: 2 } }, at(1000));
    a.hear(0, { ...from(theirs, 30), keys: { signed: 1, newest: 1 } }, at(1001));
    expect(a.peerKeys(at(1002))).toEqual({ signed: 1, newest: 2 });
  });

  it("is not relied on after ten intervals of silence, nor before anybody is believed", () => {
    const { a } = believingPair();
    a.hear(0, from(theirs, 30), at(1000));
    expect(a.peerKeys(at(2000))).toBeDefined();
    expect(a.peerKeys(at(2001))).toBeUndefined();
    expect(new Sessions(ours, 1, interval).peerKeys(at(0))).toBeUndefined();
  });
});
