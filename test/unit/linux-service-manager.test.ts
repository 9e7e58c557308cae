import { expect, test } from "vitest";

import { instant } from "../../src/core/time.ts";
import { bindSocket, closeSocket, openSocket, receive } from "../../src/linux/native.ts";
import { jobIn, ServiceManager } from "../../src/linux/service-manager.ts";
import { scratch } from "./cli-fixtures.ts";

/** What systemd would hear at this address, `@` standing for an abstract one. */
function listener(path: string): { heard(): string[] } & Disposable {
  const fd = openSocket(1, 2, 0);
  const address = Buffer.from(`\x01\0${path.replace(/^@/, "\0")}`);
  expect(bindSocket(fd, address)).toBe(0);
  const into = Buffer.alloc(4096);
  return {
    heard() {
      const datagrams: string[] = [];
      for (let length = receive(fd, into); length >= 0; length = receive(fd, into))
        datagrams.push(into.toString("utf8", 0, length));
      return datagrams;
    },
    [Symbol.dispose]: () => void closeSocket(fd),
  };
}

test.each(["path", "abstract"])(
  "systemd hears the agent at a socket with a %s name",
  async (kind) => {
    await using place = await scratch();
    const path = kind === "path" ? place.path("notify") : `@failover-test-${process.pid}`;
    using systemd = listener(path);
    const environment = { NOTIFY_SOCKET: path, WATCHDOG_USEC: "900000", HOME: "/root" };
    const manager = new ServiceManager(environment);
    manager.ready();
    manager.status("www on primary: holding,\nepoch 4");
    manager.status("www on primary: holding,\nepoch 4");
    manager.stopping();
    expect(systemd.heard()).toEqual([
      "READY=1",
      "STATUS=www on primary: holding, epoch 4",
      "STOPPING=1",
    ]);
    expect(environment).toEqual({ HOME: "/root" });
    manager.close();
  },
);

test("a heart that beats often tells systemd three times in the watchdog's span", async () => {
  await using place = await scratch();
  using systemd = listener(place.path("notify"));
  const manager = new ServiceManager({
    NOTIFY_SOCKET: place.path("notify"),
    WATCHDOG_USEC: "900000",
    WATCHDOG_PID: String(process.pid),
  });
  for (let at = 0; at < 900; at += 10) manager.alive(instant(at));
  expect(systemd.heard()).toEqual(["WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]);
  expect(manager.due).toBe(900);
  manager.close();
});

test("a datagram that systemd could not take is sent again soon, and not in a spin", async () => {
  await using place = await scratch();
  const path = place.path("notify");
  const manager = new ServiceManager({ NOTIFY_SOCKET: path, WATCHDOG_USEC: "900000" });
  manager.alive(instant(1000));
  expect(manager.due).toBe(1030);
  using systemd = listener(path);
  manager.alive(instant(1030));
  expect(systemd.heard()).toEqual(["WATCHDOG=1"]);
  manager.close();
});

test.each([
  ["no systemd", {}],
  ["an address that is none", { NOTIFY_SOCKET: "vsock:2:1", WATCHDOG_USEC: "900000" }],
  ["a path that is too long", { NOTIFY_SOCKET: `/${"a".repeat(107)}`, WATCHDOG_USEC: "900000" }],
])("with %s nothing is said and nothing is due", async (_, environment) => {
  const manager = new ServiceManager(environment);
  manager.ready();
  manager.alive(instant(0));
  expect(manager.present).toBe(false);
  expect(manager.due).toBe(Number.POSITIVE_INFINITY);
  expect(await manager.restartsUs()).toBe(false);
  manager.close();
});

test("another process's watchdog is not ours to feed", () => {
  const manager = new ServiceManager({
    NOTIFY_SOCKET: "@failover-nobody",
    WATCHDOG_USEC: "900000",
    WATCHDOG_PID: "1",
  });
  expect(manager.due).toBe(Number.POSITIVE_INFINITY);
  manager.close();
});

const jobs = `1042 failover.service            restart running
1043 failover@mail.service       stop    running
1044 failover@a\\x2db.service     start   waiting
1045 nginx.service               stop    running
`;

test.each([
  ["failover.service", "restart"],
  ["failover@mail.service", "stop"],
  ["failover@a\\x2db.service", "restart"],
  ["failover@www.service", "none"],
])("systemd's queue says of %s: %s", (unit, job) => {
  expect(jobIn(jobs, unit)).toBe(job);
});
