import { createSocket, type Socket } from "node:dgram";
import { expect, it } from "vitest";

import { after, elapsed, type Instant, millis, never } from "../../src/core/time.ts";
import { AlarmClock, now } from "../../src/linux/alarm-clock.ts";
import { eventually, wait } from "./namespace.ts";

/** Stops the loop as a stopped process would be: nothing in it runs. */
const stopLoop = (forMillis: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, forMillis);
};

const openSockets = async (): Promise<
  { heard: string[]; to: (text: string) => void } & Disposable
> => {
  const heard: string[] = [];
  const here = createSocket("udp4");
  const there = createSocket("udp4");
  here.on("message", (bytes) => heard.push(String(bytes)));
  await new Promise<void>((resolve) => here.bind(0, "127.0.0.1", resolve));
  await new Promise<void>((resolve) => there.connect(here.address().port, "127.0.0.1", resolve));
  const close = (socket: Socket) => socket.close();
  return {
    heard,
    to: (text) => there.send(text),
    [Symbol.dispose]: () => [here, there].forEach(close),
  };
};

it("an alarm goes off when it is due, never early, and once", async () => {
  const rings: Instant[] = [];
  const clock = new AlarmClock({ onAlarm: () => rings.push(now()), received: () => 0 });
  for (const span of [0.2, 1, 7.5, 30]) {
    const due = after(now(), millis(span));
    clock.set(due);
    const count = rings.length;
    await eventually("the alarm", () => rings.length > count);
    expect(elapsed(due, rings.at(-1) ?? due)).toBeGreaterThanOrEqual(0);
  }
  await wait(30);
  expect(rings).toHaveLength(4);
});

it("an alarm set anew replaces the one before; one that never comes never does", async () => {
  let rings = 0;
  const clock = new AlarmClock({ onAlarm: () => (rings += 1), received: () => 0 });
  clock.set(after(now(), millis(10)));
  clock.set(after(now(), millis(60)));
  await wait(40);
  expect(rings).toBe(0);
  clock.set(never);
  await wait(60);
  expect(rings).toBe(0);
});

it("a loop that was stopped reads its sockets to the end before the alarm goes off", async () => {
  using sockets = await openSockets();
  const { heard } = sockets;
  let late = 0;
  const clock = new AlarmClock({
    onAlarm: () => heard.push("alarm"),
    received: () => heard.length,
    onLate: (by) => (late = by),
  });
  clock.set(after(now(), millis(20)));
  // More than one turn of the loop takes from a socket.
  for (let count = 0; count < 100; count += 1) sockets.to(`beat ${count}`);
  stopLoop(300);
  await eventually("the alarm", () => heard.includes("alarm"));
  expect(heard).toHaveLength(101);
  expect(heard.at(-1)).toBe("alarm");
  expect(late).toBeGreaterThan(250);
});

it("what comes from elsewhere waits for the sockets as well, in its order", async () => {
  using sockets = await openSockets();
  const { heard } = sockets;
  const clock = new AlarmClock({
    onAlarm: () => heard.push("alarm"),
    received: () => heard.length,
  });
  clock.set(after(now(), millis(20)));
  clock.afterSockets(() => heard.push("in time"));
  expect(heard).toEqual(["in time"]);
  for (let count = 0; count < 40; count += 1) sockets.to("beat");
  stopLoop(100);
  clock.afterSockets(() => heard.push("first"));
  clock.afterSockets(() => heard.push("second"));
  expect(heard).toEqual(["in time"]);
  await eventually("the alarm", () => heard.includes("alarm"));
  expect(heard.slice(1, 41).every((text) => text === "beat")).toBe(true);
  expect(heard.slice(41)).toEqual(["first", "second", "alarm"]);
});

it("a flood does not keep the alarm from going off", async () => {
  let received = 0;
  let rings = 0;
  const clock = new AlarmClock({
    onAlarm: () => (rings += 1),
    received: () => (received += 1),
  });
  clock.set(after(now(), millis(5)));
  stopLoop(50);
  await eventually("the alarm", () => rings === 1, 5000);
});

it("sockets that have to be asked are read before the alarm", async () => {
  const order: string[] = [];
  const clock = new AlarmClock({
    onAlarm: () => order.push("alarm"),
    received: () => 0,
    read: () => order.push("read"),
  });
  clock.set(after(now(), millis(5)));
  stopLoop(50);
  await eventually("the alarm", () => order.includes("alarm"));
  expect(order[0]).toBe("read");
  expect(order.at(-1)).toBe("alarm");
});
