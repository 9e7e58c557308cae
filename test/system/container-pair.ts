import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { mustRun } from "../../src/practice/command.ts";
import { pause, until } from "../../src/practice/wait.ts";
import { createNetwork, Machine, prepareImage, startEngine } from "./containers.ts";
import { KernelWatch } from "./kernel-watch.ts";

const address = "10.91.0.100";
export const serviceNetwork = "failover-service";
const cableNetwork = "failover-cable";

export const containerNames = ["primary", "backup"] as const;
export type ContainerName = (typeof containerNames)[number];

export const other = (name: ContainerName): ContainerName =>
  name === "primary" ? "backup" : "primary";

/** Each has its real log; a swap there and back is proved from both. */
const webServers = ["nginx", "apache2"] as const;
export type Webs = Readonly<Record<ContainerName, (typeof webServers)[number]>>;

export const logOf = (web: Webs[ContainerName]): string => `/var/log/${web}/access.log`;

const configuration = (webs: Webs): string => `pair: www
address: ${address}
key: /etc/failover/key
nodes:
  primary:
    interface: eth0
    paths: [10.91.0.11, 10.92.0.11]
    accessLog: ${logOf(webs.primary)}
  backup:
    interface: eth0
    paths: [10.91.0.12, 10.92.0.12]
    accessLog: ${logOf(webs.backup)}
witness: [10.91.0.13]
`;

/** As long as anything here may take on a machine with other things to do. */
export const patience = { within: 20_000, every: 50 };

/** Two machines that run the installed package under systemd, a client, a network and a cable. */
export class ContainerPair implements AsyncDisposable {
  readonly #share = mkdtempSync(join(tmpdir(), "failover-share-"));
  readonly #opened: AsyncDisposable[] = [];
  readonly #machines = new Map<string, Machine>();

  private constructor() {}

  /** The package is built meanwhile. Nothing of it is installed yet. */
  static async start(): Promise<ContainerPair> {
    const pair = new ContainerPair();
    const begun = await Promise.allSettled([pair.#startMachines(), buildPackages(pair.#share)]);
    const failed = begun.find((one) => one.status === "rejected");
    if (failed === undefined) return pair;
    await pair[Symbol.asyncDispose]();
    throw failed.reason;
  }

  get client(): Machine {
    return this.machine("client");
  }

  machine(name: string): Machine {
    const machine = this.#machines.get(name);
    if (machine === undefined) throw new Error(`Cannot find the machine ${name}`);
    return machine;
  }

  /** What an administrator types on a fresh machine. The file is the same on both. */
  async install(name: ContainerName, webs: Webs): Promise<void> {
    writeFileSync(join(this.#share, "failover.yaml"), configuration(webs));
    const others = webServers.filter((one) => one !== webs[name]).join(" ");
    await this.machine(name).tell(
      [
        `set -e; systemctl disable --now ${others}; systemctl enable --now ${webs[name]}`,
        "dpkg --install /share/first.deb",
        "test $(systemctl is-enabled failover || true) = disabled",
        "install -m 600 /share/key /etc/failover/key",
        "cp /share/failover.yaml /etc/failover/failover.yaml",
        "systemctl enable --now failover",
      ].join("\n"),
    );
  }

  /** Waits for a well pair: one scene that fails does not make the next one fail. */
  async calm(): Promise<{ readonly holder: ContainerName; readonly standby: ContainerName }> {
    const well = ["holding standby", "standby holding"];
    await until("the pair is well", async () => well.includes(await this.roles()), patience);
    const [holder = "primary"] = await this.holders();
    return { holder, standby: other(holder) };
  }

  async role(name: ContainerName): Promise<string> {
    const line = await this.machine(name).tell(
      `failover status --json 2>&1 | grep '"role"' | head -1`,
    );
    return line.match(/: "([a-z]+)"/)?.[1] ?? "none";
  }

  /** primary's and backup's. */
  async roles(): Promise<string> {
    return (await Promise.all(containerNames.map((name) => this.role(name)))).join(" ");
  }

  async untilRole(name: ContainerName, role: string): Promise<void> {
    await until(`${name} is ${role}`, async () => (await this.role(name)) === role, patience);
  }

  epoch(name: ContainerName): Promise<string> {
    return this.machine(name).tell(`failover status --json | grep '"epoch"' | head -1`);
  }

  /** What there is on a machine by which one could tell that the package is, or was, installed. */
  traces(name: ContainerName): Promise<string> {
    return this.machine(name).tell(
      [
        "ip -o address | sed 's/^[0-9]*: //; s/valid_lft.*//' | sort",
        "nft list tables",
        "sysctl -a --pattern '^net.ipv[46].(conf|ip|neigh)' 2> /run/errors",
        "find /etc /run /tmp /usr /var -name '*failover*' | sort",
        "systemctl list-units --all --no-legend 'failover*'",
      ].join("; "),
    );
  }

  /** By the word of its kernel. On lo the address is muted, for the connections that a handover keeps. */
  async has(name: ContainerName): Promise<boolean> {
    const show = this.machine(name).inNetwork(["ip", "-o", "address", "show", "to", address]);
    return / eth\d+ /.test(await mustRun(show));
  }

  async holders(): Promise<ContainerName[]> {
    const found: ContainerName[] = [];
    for (const name of containerNames) if (await this.has(name)) found.push(name);
    return found;
  }

  /** Begins to write down what the kernels say. */
  async watch(): Promise<KernelWatch> {
    const commands = containerNames.map(
      (name) => [name, this.machine(name).inNetwork(KernelWatch.command)] as const,
    );
    return KernelWatch.start({ address, commands, holders: await this.holders() });
  }

  /** Some 40 requests a second while `act` goes on, counted by status; 000 is one that failed. */
  async requestsDuring(act: () => Promise<unknown>): Promise<Record<string, number>> {
    const request = `curl -s -o /dev/null -m 3 -w '%{http_code}\\n' http://${address}/`;
    const asking = `while :; do ${request} >> /var/load; sleep 0.02; done`;
    await this.client.tell(
      `rm -f /var/load; systemd-run --collect --unit=asking sh -c "${asking}"`,
    );
    try {
      await act();
      await pause(500);
    } finally {
      await this.client.tell("systemctl stop asking");
    }
    const counts: Record<string, number> = {};
    for (const code of (await this.client.tell("cat /var/load")).split("\n"))
      counts[code] = (counts[code] ?? 0) + 1;
    return counts;
  }

  /** Whether the client gets a page at the address. */
  async answers(): Promise<boolean> {
    const request = `curl -s -f -m 5 -o /dev/null http://${address}/`;
    return (await this.client.tell(`${request} && echo yes || true`)) === "yes";
  }

  /** For the message of a test that fails. */
  async tellLogs(): Promise<void> {
    const log = "journalctl -u failover -n 40 -o short-precise";
    for (const name of containerNames)
      console.error(
        name,
        await this.machine(name)
          .tell(log)
          .catch((error: unknown) => error),
      );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#opened.reverse()) await one[Symbol.asyncDispose]();
    rmSync(this.#share, { recursive: true });
  }

  async #startMachines(): Promise<void> {
    const networks = [
      { name: serviceNetwork, subnet: "10.91.0" },
      { name: cableNetwork, subnet: "10.92.0" },
    ] as const;
    this.#opened.push(await startEngine());
    await prepareImage();
    for (const { name, subnet } of networks)
      this.#opened.push(await createNetwork({ name, subnet: `${subnet}.0/24` }));
    const hosts = Object.entries({ primary: 11, backup: 12, client: 13 });
    const started = hosts.map(async ([name, host]) => {
      const places = networks.map((one) => ({ name: one.name, address: `${one.subnet}.${host}` }));
      const machine = await Machine.start({ name, networks: places, share: this.#share });
      this.#opened.push(machine);
      this.#machines.set(name, machine);
    });
    const failed = (await Promise.allSettled(started)).find((one) => one.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }
}

/** The package of this tree, and the same under a higher number. */
async function buildPackages(share: string): Promise<void> {
  writeFileSync(join(share, "key"), `${randomBytes(32).toString("hex")}\n`);
  const script = join(resolve(import.meta.dirname, "../.."), "systemd/build-deb.ts");
  const fast = ["env", "DPKG_DEB_COMPRESSOR_TYPE=none"];
  const built = await mustRun([...fast, process.execPath, "--import", "tsx", script, share]);
  const file = built.trim().split("\n").at(-1) ?? "";
  await mustRun(["mv", file, join(share, "first.deb")]);
  const tree = join(share, "tree");
  await mustRun(["dpkg-deb", "--raw-extract", join(share, "first.deb"), tree]);
  await mustRun(["sed", "-i", "s/^Version: .*/&+1/", join(tree, "DEBIAN/control")]);
  const pack = ["dpkg-deb", "--root-owner-group", "-Znone", "--build"];
  await mustRun([...pack, tree, join(share, "second.deb")]);
}
