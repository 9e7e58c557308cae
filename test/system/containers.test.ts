import { afterAll, beforeAll, describe, expect, onTestFailed, test } from "vitest";

import { until } from "../../src/practice/wait.ts";
import {
  type ContainerName,
  ContainerPair,
  containerNames,
  logOf,
  other,
  patience,
  serviceNetwork,
  type Webs,
} from "./container-pair.ts";

/** REPEAT of more than 1: also what takes minutes. */
const thorough = Number(process.env["REPEAT"] ?? 1) > 1;

const served = { "200": expect.any(Number) };
let webs: Webs = { primary: "nginx", backup: "apache2" };
const fresh = new Map<ContainerName, string>();

let pair: ContainerPair;

beforeAll(async () => {
  pair = await ContainerPair.start();
  for (const name of containerNames) fresh.set(name, await pair.traces(name));
  await Promise.all(containerNames.map((name) => pair.install(name, webs)));
  await pair.calm();
}, 400_000);
afterAll(() => pair[Symbol.asyncDispose](), 60_000);

// With the lease that everybody has. A host with much else to do may need longer than that to start an agent:
// it gets another try, a package whose agents always start too late does not pass.
test("an agent that is killed twenty times goes on holding within the lease, and no request fails", {
  retry: 2,
}, async () => {
  onTestFailed(() => pair.tellLogs());
  await expectSameHolder(async (holder) => tell("ready after ms", await killTwentyTimes(holder)));
});

test.each([
  ["a restart", (name: ContainerName) => pair.machine(name).tell("systemctl restart failover")],
  ["an upgrade of the package", upgrade],
])("%s leaves the address where it is, and no request fails", async (_, act) => {
  onTestFailed(() => pair.tellLogs());
  await expectSameHolder(act);
});

test("promote moves the service to the other machine, and back, proved from the logs of Apache and nginx", async () => {
  onTestFailed(() => pair.tellLogs());
  await promoteAndBack();
});

test("systemctl stop on the holder is a goodbye: the other takes at once, and start stands by", async () => {
  onTestFailed(() => pair.tellLogs());
  const { holder, standby } = await pair.calm();
  const machine = pair.machine(holder);
  expect(await pair.requestsDuring(() => machine.tell("systemctl stop failover"))).toEqual(served);
  expect(await pair.holders()).toEqual([standby]);
  await machine.tell("systemctl start failover");
  await pair.untilRole(holder, "standby");
});

test("a holder that is paused loses the address, and stands by when it goes on", async () => {
  onTestFailed(() => pair.tellLogs());
  await expectOtherHolder("pause", async (holder, standby) => {
    await pair.machine(holder).pause();
    try {
      await pair.untilRole(standby, "holding");
      expect(await pair.holders()).toEqual([standby]);
    } finally {
      await pair.machine(holder).unpause();
    }
    expect(await pair.holders()).toEqual([standby]);
  });
});

test("a holder that loses its service network gives the address away, and stands by when it is back", async () => {
  onTestFailed(() => pair.tellLogs());
  await expectOtherHolder("disconnect", async (holder, standby) => {
    await pair.machine(holder).disconnect(serviceNetwork);
    await pair.untilRole(standby, "holding");
    expect(await pair.answers()).toBe(true);
    await pair.machine(holder).reconnect(serviceNetwork);
  });
  // The interface is another one now.
  if (thorough) await promoteAndBack();
});

test("the holder that is rebooted says goodbye, and stands by", async () => {
  onTestFailed(() => pair.tellLogs());
  await expectOtherHolder("reboot", (holder) => pair.machine(holder).reboot());
});

test("a standby that is rebooted stands by, and no request fails", async () => {
  onTestFailed(() => pair.tellLogs());
  const { standby } = await pair.calm();
  await expectSameHolder(() => pair.machine(standby).reboot());
});

test.each(["standby", "holder"] as const)(
  "a %s from which the package is purged keeps nothing of it",
  async (which) => {
    onTestFailed(() => pair.tellLogs());
    const name = (await pair.calm())[which];
    const codes = await pair.requestsDuring(() => pair.machine(name).tell("dpkg --purge failover"));
    expect(codes).toEqual(served);
    expect(await pair.holders()).toEqual([other(name)]);
    expect(await pair.traces(name)).toBe(fresh.get(name));
    webs = { primary: "apache2", backup: "nginx" };
    await pair.install(name, webs);
    await pair.untilRole(name, "standby");
  },
);

if (thorough) {
  test("promote moves the service and back with the web servers changed over", async () => {
    onTestFailed(() => pair.tellLogs());
    await promoteAndBack();
  });
}

// The watchdog's second is gone of the lease before an agent begins to start.
describe("with a longer lease", () => {
  beforeAll(async () => {
    await pair.calm();
    const lengthen = "echo 'lease: 5s' >> /etc/failover/failover.yaml; systemctl reload failover";
    for (const name of containerNames) await pair.machine(name).tell(lengthen);
  });

  test("a hanging agent, which systemd's watchdog kills, leaves the address where it is, and no request fails", async () => {
    onTestFailed(() => pair.tellLogs());
    await expectSameHolder(hang);
  });

  if (thorough) {
    test("an agent that is killed twenty times on a machine without an idle moment goes on holding", async () => {
      onTestFailed(() => pair.tellLogs());
      await expectSameHolder(async (holder) => {
        const churn = "dd if=/dev/zero of=/var/churn bs=1M count=4 conv=fsync 2> /dev/null";
        for (const work of [":", ":", churn])
          await pair
            .machine(holder)
            .tell(`systemd-run --slice=work sh -c 'while :; do ${work}; done'`);
        tell("ready after ms, without an idle moment", await killTwentyTimes(holder));
        await pair.machine(holder).tell("systemctl stop work.slice");
      });
    });
  }
});

test("a machine that loses its power is replaced by the other", async () => {
  onTestFailed(() => pair.tellLogs());
  const { holder, standby } = await pair.calm();
  await pair.machine(holder).kill();
  await pair.untilRole(standby, "holding");
  expect(await pair.answers()).toBe(true);
  expect(await pair.has(standby)).toBe(true);
});

/** Nothing moves, nobody takes, and no request fails. The kernel has the address all the time. */
async function expectSameHolder(act: (holder: ContainerName) => Promise<unknown>): Promise<void> {
  const { holder, standby } = await pair.calm();
  const epoch = await pair.epoch(holder);
  const before = await agents();
  await using watch = await pair.watch();
  const codes = await pair.requestsDuring(async () => {
    await act(holder);
    await until("another agent is there", async () => (await agents()) !== before, patience);
    await pair.untilRole(holder, "holding");
    await pair.untilRole(standby, "standby");
  });
  expect(watch.losses(holder)).toBe(0);
  expect(await pair.holders()).toEqual([holder]);
  expect(await pair.epoch(holder)).toBe(epoch);
  expect(codes).toEqual(served);
}

/** The other has the address in the end, and at no moment both. */
async function expectOtherHolder(
  what: string,
  act: (holder: ContainerName, standby: ContainerName) => Promise<unknown>,
): Promise<void> {
  const { holder, standby } = await pair.calm();
  await using watch = await pair.watch();
  await act(holder, standby);
  await pair.untilRole(holder, "standby");
  await pair.untilRole(standby, "holding");
  expect(await pair.holders()).toEqual([standby]);
  expect(await pair.answers()).toBe(true);
  tell(`${what}: ms with`, watch.spans());
  expect(watch.spans().both).toBe(0);
}

/** There and back; each way proved from the log of the web server that is there. */
async function promoteAndBack(): Promise<void> {
  const { holder, standby } = await pair.calm();
  await pair.requestsDuring(async () => {
    for (const target of [standby, holder]) {
      const count = `grep -c '"GET / HTTP/1.1" 200' ${logOf(webs[target])} || true`;
      const before = Number(await pair.machine(target).tell(count));
      await pair.machine(holder).tell(`failover promote ${target}`);
      expect(await pair.role(target)).toBe("holding");
      expect(await pair.role(other(target))).toBe("standby");
      expect(Number(await pair.machine(target).tell(count))).toBeGreaterThan(before + 10);
    }
  });
}

function tell(what: string, value: unknown): void {
  console.log(what, JSON.stringify(value));
}

/** Answers with the milliseconds until each next agent was ready. */
async function killTwentyTimes(name: ContainerName): Promise<number[]> {
  const state = "systemctl show --property=MainPID,ActiveState failover";
  const told = await pair.machine(name).tell(`for round in $(seq 20); do
    pid=$(systemctl show --property=MainPID --value failover)
    begin=$(date +%s%N)
    kill -KILL $pid
    until ${state} > /run/state; grep -q ^ActiveState=active /run/state &&
      ! grep -qx -e MainPID=$pid -e MainPID=0 /run/state; do sleep 0.02; done
    echo $((($(date +%s%N) - begin) / 1000000))
  done`);
  return told.split("\n").map(Number);
}

function hang(name: ContainerName): Promise<string> {
  return pair
    .machine(name)
    .tell("kill -STOP $(systemctl show --property=MainPID --value failover)");
}

function upgrade(name: ContainerName): Promise<string> {
  return pair.machine(name).tell("dpkg --install --force-confold /share/second.deb");
}

/** The processes of both, to see that one has changed. */
async function agents(): Promise<string> {
  const found: string[] = [];
  for (const name of containerNames)
    found.push(await pair.machine(name).tell("systemctl show --property=MainPID --value failover"));
  return found.join(" ");
}
