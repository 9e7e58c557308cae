import { Sessions, type SignOfLife, type Verdict } from "../../src/agent/sessions.ts";
import { after, type Instant, instant, millis } from "../../src/core/time.ts";
import type { Envelope, Session } from "../../src/protocol/datagram.ts";
import { noKept } from "./protocol-fixtures.ts";

/** Two machines that exchange envelopes. */

export const interval = millis(100);
export const ours = "aaaaaaaaaaaaaaaa";
export const theirs = "bbbbbbbbbbbbbbbb";
export const theirNext = "cccccccccccccccc";
const start = instant(50_000);
export const at = (millisLater: number): Instant => after(start, millis(millisLater));

export function pair(): { a: Sessions; b: Sessions } {
  return { a: new Sessions(ours, 2, interval), b: new Sessions(theirs, 2, interval) };
}

export function believingPair(): { a: Sessions; b: Sessions } {
  const { a, b } = pair();
  b.hear(0, beat(a, at(0)), at(0));
  a.hear(0, beat(b, at(1)), at(1));
  b.hear(0, beat(a, at(2)), at(2));
  a.hear(0, beat(b, at(3)), at(3));
  return { a, b };
}

/** The envelope of a machine's next beat, frozen as the wire freezes it. */
export function beat(machine: Sessions, now: Instant): Envelope {
  const { session, counter, echoes } = machine.next(now);
  const copied = echoes.map((echo) => ({ session: echo.session, counters: [...echo.counters] }));
  return envelope(session, counter, copied);
}

export function from(
  session: Session,
  counter: number,
  echoed: Record<Session, number[]> = {},
): Envelope {
  const echoes = Object.entries(echoed).map(([of, counters]) => ({ session: of, counters }));
  return envelope(session, counter, echoes);
}

const envelope = (session: Session, counter: number, echoes: Envelope["echoes"]): Envelope => ({
  ask: false,
  keys: { signed: 1, newest: 1 },
  path: 0,
  session,
  counter,
  echoes,
  kept: noKept,
});

export function believed(verdict: Verdict): SignOfLife {
  if (verdict.kind !== "believed") throw new Error(`Not believed: ${JSON.stringify(verdict)}`);
  return verdict;
}
