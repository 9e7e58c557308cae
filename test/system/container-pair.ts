import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { mustRun } from "../../src/practice/command.ts";
import { until } from "../../src/practice/wait.ts";
import { giveProcessors, startEngine } from "./container-engine.ts";
import { prepareImage } from "./container-image.ts";
import { ContainerLoad } from "./container-load.ts";
import { buildPackages } from "./container-packages.ts";
import { createNetwork, letThrough, Machine, type MachineOptions } from "./containers.ts";
import { KernelWatch } from "./kernel-watch.ts";

export const address = "10.91.0.100";
/** Of the second pair on the same machines. */
export const secondAddress = "10.91.0.102";
export const serviceNetwork = "failover-service";
const cableNetwork = "failover-cable";
const outsideNetwork = "failover-outside";
const gateway = "10.91.0.1";

export const containerNames = ["primary", "backup"] as const;
export type ContainerName = (typeof containerNames)[number];

export const other = (name: ContainerName): ContainerName =>
  name === "primary" ? "backup" : "primary";

/** Each has its real log; a swap there and back is proved from both. */
const webServers = ["nginx", "apache2"] as const;
export type WebServer = (typeof webServers)[number];
export type Webs = Readonly<Record<ContainerName, WebServer>>;

/** Where the sandbox of the unit lets the agent look, and nobody else writes. */
const logs = { nginx: "/srv/www/access.log", apache2: "/home/www/access.log" } as const;
export const logOf = (web: WebServer): string => logs[web];

/** On the service network, and on the cable. */
export const pathsOf = (name: ContainerName): readonly [string, string] =>
  name === "primary" ? ["10.91.0.11", "10.92.0.11"] : ["10.91.0.12", "10.92.0.12"];

/** The witness is the gateway, which a machine finds by itself. */
const configuration = (webs: Webs, { also = [], more = "" }: Changes): string => `pair: www
address: [${[address, ...also].join(", ")}]
key: /etc/failover/key
nodes:
  primary:
    interface: eth0
    paths: [${pathsOf("primary").join(", ")}]
    accessLog: ${logOf(webs.primary)}
  backup:
    interface: eth0
    paths: [${pathsOf("backup").join(", ")}]
    accessLog: ${logOf(webs.backup)}
hooks: { drain: systemctl try-reload-or-restart nginx apache2 }
${more}
`;

export interface Changes {
  /** Further addresses. */
  readonly also?: readonly string[];
  /** A further line. */
  readonly more?: string;
}

const secondConfiguration = `pair: two
address: ${secondAddress}
key: /etc/failover/key
port: 695
nodes:
  primary: { interface: eth0, paths: [${pathsOf("primary").join(", ")}] }
  backup: { interface: eth0, paths: [${pathsOf("backup").join(", ")}] }
`;

/** As long as anything here may take on a machine with other things to do. */
export const patience = { within: 20_000, every: 50 };

/**
 * Two machines with systemd, on one network and one cable; a gateway, and behind it a client. The packages are
 * in /share of all of them.
 */
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

  /** On both, one after the other. */
  async tell(line: string): Promise<void> {
    for (const name of containerNames) await this.machine(name).tell(line);
  }

  /** The page that it serves is its name. */
  async serve(name: ContainerName, web: WebServer): Promise<void> {
    const others = webServers.filter((one) => one !== web).join(" ");
    await this.machine(name).tell(
      `systemctl disable --now ${others}; systemctl enable --now ${web}`,
    );
  }

  /** Lays a configuration at its place, and tells nobody. */
  async configure(name: ContainerName, webs: Webs, changes: Changes = {}): Promise<void> {
    const file = join(this.#share, "failover.yaml");
    writeFileSync(file, configuration(webs, changes), { mode: 0o644 });
    await this.machine(name).tell("cat /share/failover.yaml > /etc/failover/failover.yaml");
  }

  /** What brings back a machine that was purged, from the files of the other. */
  async install(name: ContainerName, webs: Webs): Promise<void> {
    await this.serve(name, webs[name]);
    await this.machine(name).tell("dpkg --install /share/first.deb");
    await this.#copyKey(name);
    await this.configure(name, webs);
    await this.machine(name).tell("systemctl enable --now failover");
  }

  /** A second pair beside the first one. */
  async installSecond(): Promise<void> {
    writeFileSync(join(this.#share, "two.yaml"), secondConfiguration, { mode: 0o644 });
    await this.tell("cp /share/two.yaml /etc/failover/two.yaml");
    await this.tell("systemctl enable --now failover@two");
    const second = async (): Promise<string> => {
      const roles = containerNames.map((name) => this.role(name, "two"));
      return (await Promise.all(roles)).toSorted().join(" ");
    };
    await until("the second pair is well", async () => (await second()) === well, patience);
  }

  /** Waits for a well pair: one scene that fails does not make the next one fail. */
  async calm(): Promise<{ readonly holder: ContainerName; readonly standby: ContainerName }> {
    const roles = async (): Promise<string> =>
      (await Promise.all(containerNames.map((name) => this.role(name)))).toSorted().join(" ");
    await until("the pair is well", async () => (await roles()) === well, patience);
    const [holder = "primary"] = await this.holders();
    return { holder, standby: other(holder) };
  }

  async role(name: ContainerName, pair: "www" | "two" = "www"): Promise<string> {
    const file = pair === "www" ? "failover" : pair;
    const line = await this.machine(name).tell(
      `failover status --config /etc/failover/${file}.yaml --json 2>&1 | grep '"role"' | head -1`,
    );
    return line.match(/: "([a-z]+)"/)?.[1] ?? "none";
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
  async has(name: ContainerName, which = address): Promise<boolean> {
    const show = this.machine(name).inNetwork(["ip", "-o", "address", "show", "to", which]);
    return / eth\d+ /.test(await mustRun(show));
  }

  async holders(which = address): Promise<ContainerName[]> {
    const found: ContainerName[] = [];
    for (const name of containerNames) if (await this.has(name, which)) found.push(name);
    return found;
  }

  /** Begins to write down what the kernels say. */
  async watch(which = address): Promise<KernelWatch> {
    const commands = containerNames.map((name) => [name, this.#monitor(name)] as const);
    return KernelWatch.start({ address: which, commands, holders: await this.holders(which) });
  }

  /** The machine boots with another network, which is watched as well. */
  async reboot(name: ContainerName, watch: KernelWatch): Promise<void> {
    await this.machine(name).reboot();
    await watch.follow(name, this.#monitor(name));
  }

  load(): Promise<ContainerLoad> {
    return ContainerLoad.start(this.client, address);
  }

  /** Whether the client gets a page at the address. */
  async answers(which = address): Promise<boolean> {
    const request = `curl -s -f -m 5 -o /dev/null http://${which}/`;
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

  #monitor(name: ContainerName): string[] {
    return this.machine(name).inNetwork(KernelWatch.command);
  }

  async #copyKey(to: ContainerName): Promise<void> {
    const key = await this.machine(other(to)).tell("cat /etc/failover/key");
    await this.machine(to).tell(`umask 077; echo '${key}' > /etc/failover/key`);
  }

  async #startMachines(): Promise<void> {
    const subnets = {
      [serviceNetwork]: "10.91.0",
      [cableNetwork]: "10.92.0",
      [outsideNetwork]: "10.93.0",
    };
    this.#opened.push(await startEngine());
    await prepareImage();
    for (const [name, subnet] of Object.entries(subnets))
      this.#opened.push(await createNetwork({ name, subnet }));
    this.#opened.push(await letThrough(subnets[outsideNetwork], subnets[serviceNetwork]));
    const machines = [
      { name: "primary", host: 11, on: [serviceNetwork, cableNetwork], gateway },
      { name: "backup", host: 12, on: [serviceNetwork, cableNetwork], gateway },
      { name: "gateway", host: 1, on: [serviceNetwork, outsideNetwork] },
      { name: "client", host: 13, on: [outsideNetwork], gateway: "10.93.0.1" },
    ] as const;
    const started = machines.map(async ({ host, on, ...options }) => {
      const networks = on.map((name) => ({ name, address: `${subnets[name]}.${host}` }));
      await this.#startMachine({ ...options, networks, share: this.#share });
    });
    const failed = (await Promise.allSettled(started)).find((one) => one.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    giveProcessors();
    const forward = ["sysctl", "--write", "net.ipv4.ip_forward=1"];
    await mustRun(this.machine("gateway").inNetwork(forward));
    for (const name of containerNames) await this.machine(name).tell(prepareWebs(name));
  }

  async #startMachine(options: MachineOptions): Promise<void> {
    const machine = await Machine.start(options);
    this.#opened.push(machine);
    this.#machines.set(options.name, machine);
  }
}

const well = "holding standby";

/** Both web servers are there, one of them runs; their logs stand where sites have them. */
const prepareWebs = (name: ContainerName): string => `set -e
echo ${name} > /var/www/html/index.html
mkdir -p ${Object.values(logs)
  .map((file) => file.replace(/\/[^/]+$/, ""))
  .join(" ")}
sed -i 's,/var/log/nginx/access.log,${logs.nginx},' /etc/nginx/nginx.conf
sed -i 's,\${APACHE_LOG_DIR}/access.log,${logs.apache2},' /etc/apache2/sites-available/*.conf
systemctl reload nginx`;
