import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from "vitest";

import { now, until } from "../../src/practice/wait.ts";
import { secondVersion } from "./container-packages.ts";
import {
  address,
  type ContainerName,
  ContainerPair,
  containerNames,
  other,
  pathsOf,
  patience,
  serviceNetwork,
  type Webs,
} from "./container-pair.ts";
import {
  adviceOf,
  expectOtherHolder,
  expectSameHolder,
  killTwentyTimes,
  print,
  printedLateMillisMax,
  promoteAndBack,
  replaced,
  rounds,
  spread,
  stopAndStart,
} from "./container-scenes.ts";

const thorough = rounds > 1;
let webs: Webs = { primary: "nginx", backup: "apache2" };
const fresh = new Map<ContainerName, string>();
let pair: ContainerPair;

beforeAll(async () => {
  pair = await ContainerPair.start();
  for (const name of containerNames) fresh.set(name, await pair.traces(name));
}, 400_000);
afterAll(() => pair[Symbol.asyncDispose](), 60_000);
beforeEach(() => {
  onTestFailed(() => pair.tellLogs());
});

test("two fresh machines serve after five commands: install, init, what it prints, check, enable", async () => {
  const primary = pair.machine("primary");
  await pair.tell("apt-get install --yes /share/first.deb");
  await pair.tell("test $(systemctl is-enabled failover || true) = disabled");
  const nodes = containerNames.map((name) => `--node ${name}=eth0,${pathsOf(name).join(",")}`);
  const told = await primary.tell(`failover init --yes --address ${address} ${nodes.join(" ")}`);
  const [, pack, host, unpack] = /^ +(tar .*) \| ssh root@(\S+) (tar .*)$/m.exec(told) ?? [];
  expect(host).toBe(pathsOf("backup")[0]);
  const files = await primary.tell(`${pack} | base64 --wrap=0`);
  await pair.machine("backup").tell(`echo ${files} | base64 --decode | ${unpack}`);
  await pair.tell("failover check");
  const begin = now();
  await pair.tell("systemctl enable --now failover");
  await until("the client gets a page", () => pair.answers(), patience);
  print("ms from the fifth command to a page", Math.round(now() - begin));
  expect(await pair.calm()).toEqual({ holder: "primary", standby: "backup" });
  expect(await primary.tell("failover status")).toContain("10.91.0.1");
  // From here on with two kinds of web servers, and a second pair beside the first.
  for (const name of containerNames) {
    await pair.serve(name, webs[name]);
    await pair.configure(name, webs);
    await pair.machine(name).tell("systemctl reload failover");
  }
  await pair.installSecond();
});

// With the lease that everybody has. A host with much else to do may need longer than that to start an agent:
// it gets another try, a package whose agents always start too late does not pass.
test("an agent that is killed twenty times goes on holding within the lease, and no request fails", {
  retry: 2,
}, async () => {
  await expectSameHolder(pair, "SIGKILL, twenty times", async (holder) =>
    print("ready after ms", spread(await killTwentyTimes(pair, holder))),
  );
});

test.each(["holder", "standby"] as const)(
  "systemctl restart of the %s leaves the address where it is, and no request fails",
  async (which) => {
    await expectSameHolder(pair, `restart of the ${which}`, (holder, standby) => {
      const name = which === "holder" ? holder : standby;
      return replaced(pair, name, () => pair.machine(name).tell("systemctl restart failover"));
    });
  },
);

const installs = [
  ["a later package", "second", "--yes"],
  ...(thorough
    ? ([
        ["the same package again", "second", "--yes --reinstall"],
        ["an earlier package", "first", "--yes --allow-downgrades"],
        ["the later package once more", "second", "--yes"],
      ] as const)
    : []),
] as const;
test.each(
  installs.flatMap(([what, file, options]) =>
    (["holder", "standby"] as const).map((which) => ({ what, which, file, options })),
  ),
)(
  "apt install of $what on the $which restarts both pairs, and no request fails",
  async ({ what, which, file, options }) => {
    await expectSameHolder(pair, `${what} on the ${which}`, async (holder, standby) => {
      const name = which === "holder" ? holder : standby;
      const install = () =>
        pair.machine(name).tell(`apt-get install ${options} /share/${file}.deb`);
      await replaced(pair, name, () => replaced(pair, name, install, "failover@two"));
      const version = await pair.machine(name).tell("failover --version");
      expect(version === secondVersion).toBe(file === "second");
    });
  },
);

test("reload and SIGHUP put a changed file in force, and a wrong one is refused with its line", async () => {
  const another = "10.91.0.101";
  await expectSameHolder(pair, "reload", async (holder, standby) => {
    const machine = pair.machine(holder);
    for (const name of containerNames)
      await pair.configure(name, webs, { also: [another], more: "interval: 50ms" });
    await pair.machine(standby).tell("systemctl reload failover");
    await machine.tell("kill -HUP $(systemctl show --property=MainPID --value failover)");
    await until("the added address is there", () => pair.has(holder, another), patience);
    expect(await pair.answers(another)).toBe(true);
    expect(await machine.tell("failover history")).toContain("interval: 50ms instead of 100ms");

    await machine.tell("sed -i 's/^interval: .*/interval: soon/' /etc/failover/failover.yaml");
    expect(await machine.tell("systemctl reload failover 2>&1 || echo refused")).toMatch(
      /refused$/,
    );
    const line = await machine.tell("grep -n ^interval: /etc/failover/failover.yaml | cut -d: -f1");
    const said = await machine.tell("systemctl status failover");
    expect(said).toMatch(new RegExp(`line ${line}\\b.*interval`));
    const status = "failover status --socket /run/failover/www.sock";
    expect(await machine.tell(`${status} 2>&1 || true`)).toContain(`line ${line}`);

    for (const name of containerNames) await pair.configure(name, webs);
    await pair.tell("systemctl reload failover");
    const gone = async (): Promise<boolean> => !(await pair.has(holder, another));
    await until("the added address is gone", gone, patience);
  });
});

test("promote moves the service to the other machine, and back, proved from the logs of Apache and nginx", async () => {
  await promoteAndBack(pair, webs);
});

// 50 ms on a machine with nothing else to do; what is asserted leaves room for one that is busy.
test("systemctl stop on the holder is a goodbye: the other answers at once, and start stands by", async () => {
  const outages: Awaited<ReturnType<typeof stopAndStart>>[] = [];
  for (let round = 0; round < rounds; round += 1) outages.push(await stopAndStart(pair));
  print("stop: ms without an answer", spread(outages.map(({ clients }) => clients)));
  print("stop: ms with the address nowhere", spread(outages.map(({ kernels }) => kernels)));
  for (const { clients } of outages) expect(clients).toBeLessThan(1000);
});

test("networkd, with the drop-in that check offers, is restarted and lets the address be", async () => {
  const { holder } = await pair.calm();
  const machine = pair.machine(holder);
  const file = "/etc/systemd/network/lan.network";
  const [own] = pathsOf(holder);
  const network = `[Match]\\nName=eth0\\n[Network]\\nAddress=${own}/24\\nGateway=10.91.0.1\\n`;
  try {
    {
      await using watch = await pair.watch();
      await machine.tell(`printf '${network}' > ${file}; systemctl start systemd-networkd`);
      const lost = async (): Promise<boolean> => {
        await machine.tell("networkctl reconfigure eth0 || true");
        return watch.losses(holder) > 0 && watch.spans().none > 0;
      };
      const options = { ...patience, every: 500 };
      await until("networkd removes the address, and the agent puts it back", lost, options);
      print("networkd without the drop-in: ms with", watch.spans());
    }
    await machine.tell((await adviceOf(pair, holder, "manager")) ?? "false");
    expect(await adviceOf(pair, holder, "manager")).toBeUndefined();
    await expectSameHolder(pair, "restart of networkd", async () => {
      await machine.tell("systemctl restart systemd-networkd");
      await machine.tell("networkctl reconfigure eth0; sleep 1; networkctl status eth0");
    });
  } finally {
    await machine.tell(
      `systemctl stop systemd-networkd.socket systemd-networkd; rm -rf ${file} ${file}.d`,
    );
  }
});

test("a holder that is paused loses the address, and stands by when it goes on", async () => {
  await expectOtherHolder(pair, "pause", async (holder, standby) => {
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
  await expectOtherHolder(pair, "disconnect", async (holder, standby) => {
    await pair.machine(holder).disconnect(serviceNetwork);
    await pair.untilRole(standby, "holding");
    expect(await pair.answers()).toBe(true);
    await pair.machine(holder).reconnect(serviceNetwork);
  });
  // The interface is another one now.
  if (thorough) await promoteAndBack(pair, webs);
});

test("the holder that is rebooted says goodbye, and stands by", async () => {
  await expectOtherHolder(pair, "reboot", (holder, _, watch) => pair.reboot(holder, watch));
});

test("a standby that is rebooted stands by, and no request fails", async () => {
  await expectSameHolder(pair, "reboot of the standby", (_, standby) =>
    replaced(pair, standby, () => pair.machine(standby).reboot()),
  );
});

test("a standby from which the package was removed stands by when it is installed again", async () => {
  await expectSameHolder(pair, "remove and install", async (_, standby) => {
    const machine = pair.machine(standby);
    const scripts = "/var/lib/dpkg/info/failover";
    await machine.tell(`${scripts}.prerm remove; ! systemctl is-active failover`);
    await machine.tell(`${scripts}.postinst abort-remove; systemctl is-active failover`);
    await machine.tell("apt-get remove --yes failover; ! systemctl is-active failover");
    await machine.tell("touch /usr/local/bin/failover");
    const told = await machine.tell("apt-get install --yes /share/second.deb 2>&1");
    await machine.tell("rm /usr/local/bin/failover");
    expect(told).toContain("/usr/local/bin/failover goes before that of this package");
    await machine.tell("systemctl is-active failover failover@two");
  });
});

test.each(["standby", "holder"] as const)(
  "a %s from which the package is purged keeps nothing of it",
  async (which) => {
    const name = (await pair.calm())[which];
    await using watch = await pair.watch();
    await pair.machine(name).tell("apt-get purge --yes failover");
    // What the administrator has named himself is his: a purge leaves it.
    const left = await pair.machine(name).tell("ls -A /etc/failover && rm -r /etc/failover");
    expect(left).toBe("two.yaml");
    await pair.untilRole(other(name), "holding");
    print(`purge of the ${which}: ms with`, watch.spans());
    expect(watch.spans().both).toBeLessThan(printedLateMillisMax);
    expect(await pair.holders()).toEqual([other(name)]);
    expect(await pair.answers()).toBe(true);
    expect(await pair.traces(name)).toBe(fresh.get(name));
    webs = { primary: "apache2", backup: "nginx" };
    await pair.install(name, webs);
    await pair.untilRole(name, "standby");
  },
);

if (thorough) {
  test("promote moves the service and back with the web servers changed over", async () => {
    await promoteAndBack(pair, webs);
  });
}

// The watchdog's second is gone of the lease before an agent begins to start.
describe("with a longer lease", () => {
  beforeAll(async () => {
    await pair.calm();
    const lengthen = "echo 'lease: 5s' >> /etc/failover/failover.yaml; systemctl reload failover";
    await pair.tell(lengthen);
  });

  test("a hanging agent, which systemd's watchdog kills, leaves the address where it is, and no request fails", async () => {
    await expectSameHolder(pair, "a hang", (holder) => {
      const hang = "kill -STOP $(systemctl show --property=MainPID --value failover)";
      return replaced(pair, holder, () => pair.machine(holder).tell(hang));
    });
  });

  if (thorough) {
    test("an agent that is killed twenty times on a machine without an idle moment goes on holding", async () => {
      await expectSameHolder(pair, "SIGKILL without an idle moment", async (holder) => {
        const machine = pair.machine(holder);
        const churn = "dd if=/dev/zero of=/var/churn bs=1M count=4 conv=fsync 2> /dev/null";
        for (const work of [":", ":", churn])
          await machine.tell(`systemd-run --slice=work sh -c 'while :; do ${work}; done'`);
        print("ready after ms", spread(await killTwentyTimes(pair, holder)));
        await machine.tell("systemctl stop work.slice");
      });
    });
  }
});

test("a machine that loses its power is replaced by the other", async () => {
  await expectOtherHolder(pair, "power", (holder) => pair.machine(holder).kill(), "gone");
});
