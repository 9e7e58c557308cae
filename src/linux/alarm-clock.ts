import {
  after,
  elapsed,
  type Instant,
  instant,
  lateAfter,
  type Millis,
  millis,
  never,
} from "../core/time.ts";
import { bootTimeMillis } from "./native.ts";

/** Monotonic: CLOCK_MONOTONIC since the process started. */
export const now = (): Instant => instant(performance.now());

export interface AlarmClockOptions {
  readonly onAlarm: () => void;
  /** Counts what the sockets of the heart ever brought; a turn that raises it brought something. */
  readonly received: () => number;
  /** Reads sockets that have to be asked, to their end. */
  readonly read?: () => void;
  /**
   * The loop was late by so much. `slept` is the part of it for which the whole machine was
   * suspended; a machine paused by its hypervisor does not know.
   */
  readonly onLate?: (late: Millis, slept: Millis) => void;
}

/**
 * A flood must not keep the alarm from ever going off: 32 datagrams a turn and socket is enough.
 */
const turnsAtMost = 50;

/**
 * The longest that Node's timers take, 2^31 - 1 ms, is weeks away: an alarm is set again before.
 */
const longestWait = 1_000_000;

/**
 * The timer of the heart. After any lateness it reads the sockets to the end before it lets
 * anything else happen: a process that was stopped for three seconds wakes up with an alarm long
 * due and with the beats that refute it still unread, and Node runs timers, pipes and sockets in
 * whatever order.
 *
 *   woken late ─► turn the loop until a full turn brought no datagram ─► what waited ─► the alarm
 */
export class AlarmClock {
  readonly #options: AlarmClockOptions;
  #due: Instant = never;
  /** When the timer was to go off, at the earliest. */
  #expected: Instant = never;
  #timer: NodeJS.Timeout | undefined;
  #waiting: (() => void)[] = [];
  #draining = false;
  #bootOffset = bootTimeMillis() - now();

  constructor(options: AlarmClockOptions) {
    this.#options = options;
  }

  /**
   * Sets the one alarm, in place of the one before. It never goes off early, nor from within this
   * call.
   */
  set(at: Instant): void {
    if (at === this.#due) return;
    this.#due = at;
    this.#arm();
  }

  /**
   * For whatever reaches the heart by another way than its sockets: the monitor, a child's output.
   * Acts at once while the loop is in time, else after the sockets were read, in the order of
   * calls.
   */
  afterSockets(act: () => void): void {
    if (!this.#draining && !this.#isLate()) {
      act();
      return;
    }
    this.#waiting.push(act);
    this.#drain();
  }

  stop(): void {
    this.#due = never;
    this.#arm();
    this.#waiting = [];
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#expected = never;
    if (this.#due === never) return;
    const current = now();
    // Node cuts fractions off and may be early by one: rounded up, an alarm is a wake, never a
    // spin.
    const wait = Math.min(longestWait, Math.max(1, Math.ceil(elapsed(current, this.#due))));
    this.#expected = after(current, millis(wait));
    this.#timer = setTimeout(() => this.#wake(), wait);
  }

  #wake(): void {
    if (this.#isLate()) {
      this.#drain();
      return;
    }
    if (!this.#draining) this.#ring();
  }

  #isLate(): boolean {
    return now() > after(this.#expected, lateAfter);
  }

  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#noteLateness();
    // Begun in the middle of a turn: only from its end on is a turn a full one.
    setImmediate(() => this.#turn(turnsAtMost));
  }

  #turn(left: number): void {
    this.#options.read?.();
    const received = this.#options.received();
    // An immediate runs when the loop has polled its sockets once.
    setImmediate(() => {
      this.#options.read?.();
      if (left > 1 && this.#options.received() !== received) return this.#turn(left - 1);
      this.#draining = false;
      // Whatever the due time: the lateness was dealt with, and is not to be dealt with twice.
      this.#expected = after(now(), millis(1));
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const act of waiting) act();
      this.#ring();
    });
  }

  #ring(): void {
    if (now() < this.#due) {
      this.#arm();
      return;
    }
    this.#due = never;
    this.#arm();
    this.#options.onAlarm();
  }

  #noteLateness(): void {
    const bootOffset = bootTimeMillis() - now();
    const slept = millis(Math.max(0, bootOffset - this.#bootOffset));
    this.#bootOffset = bootOffset;
    this.#options.onLate?.(elapsed(this.#expected, now()), slept);
  }
}
