import {
  GenericContainer,
  getContainerRuntimeClient,
  type StartedTestContainer,
} from "testcontainers";

import { mustRun, run } from "../../src/practice/command.ts";
import { until } from "../../src/practice/wait.ts";
import { image } from "./container-image.ts";

/* Machines with systemd as their init, in containers on internal networks of their own. */

export interface NetworkOptions {
  readonly name: string;
  /** The first three parts of its addresses. The engine itself has the last of them. */
  readonly subnet: string;
}

/** A network without a way out. */
export async function createNetwork({ name, subnet }: NetworkOptions): Promise<AsyncDisposable> {
  const { network } = await getContainerRuntimeClient();
  // What a run that was killed left in an engine that goes on.
  const left = `docker ps --all --quiet --filter network=${name} | xargs -r docker rm --force`;
  await run(["sh", "-c", `${left}; docker network rm ${name}`]);
  const created = await network.create({
    Name: name,
    Internal: true,
    IPAM: { Driver: "default", Config: [{ Subnet: `${subnet}.0/24`, Gateway: `${subnet}.254` }] },
  });
  return { [Symbol.asyncDispose]: () => network.remove(created) };
}

/**
 * What passes between two networks through a machine that is in both: where bridges ask the firewall, the
 * engine's own rules let nothing into a network but what comes from its neighbours.
 */
export async function letThrough(one: string, other: string): Promise<AsyncDisposable> {
  const rules = [
    [one, other],
    [other, one],
  ].map(([from = "", to = ""]) => [
    "DOCKER-USER",
    "-s",
    `${from}.0/24`,
    "-d",
    `${to}.0/24`,
    "-j",
    "ACCEPT",
  ]);
  const remove = async (): Promise<void> => {
    for (const rule of rules) await run(["iptables", "--delete", ...rule]);
  };
  // What a run that was killed left.
  await remove();
  for (const rule of rules) await mustRun(["iptables", "--insert", ...rule]);
  return { [Symbol.asyncDispose]: remove };
}

export interface MachineOptions {
  readonly name: string;
  /** The first is eth0. */
  readonly networks: readonly { readonly name: string; readonly address: string }[];
  /** By which it reaches other networks. */
  readonly gateway?: string;
  /** Seen by the machine as /share. */
  readonly share: string;
}

/** A container that systemd runs like a machine, which testcontainers has no words for. */
class MachineContainer extends GenericContainer {
  constructor({ name, networks: [first], share }: MachineOptions) {
    super(image);
    this.withHostname(name)
      .withCommand(["/sbin/init"])
      .withEnvironment({ container: "docker" })
      .withAddedCapabilities("SYS_ADMIN", "NET_ADMIN", "NET_RAW", "SYS_NICE", "DAC_READ_SEARCH")
      .withSecurityOpt("seccomp=unconfined", "apparmor=unconfined")
      .withTmpFs({ "/run": "rw", "/run/lock": "rw", "/tmp": "rw" })
      .withBindMounts([
        { source: "/sys/fs/cgroup", target: "/sys/fs/cgroup", mode: "rw" },
        { source: share, target: "/share", mode: "ro" },
      ]);
    this.createOpts.StopSignal = "SIGRTMIN+3";
    // systemd writes below the engine's own control group; the types of dockerode lag behind.
    Object.assign(this.hostConfig, { CgroupnsMode: "host" });
    if (first === undefined) return;
    this.withNetworkMode(first.name);
    const endpoint = { IPAMConfig: { IPv4Address: first.address } };
    this.createOpts.NetworkingConfig = { EndpointsConfig: { [first.name]: endpoint } };
  }
}

/**
 * The engine numbers interfaces as it likes, at a boot and when one comes back. Elsewhere udev names them;
 * here it is a unit that makes the first network eth0, and leads other networks to the gateway.
 */
function naming({ networks: [first], gateway }: MachineOptions): string {
  const route = gateway === undefined ? "" : `ip route replace default via ${gateway}`;
  return `cat > /etc/name-interfaces << END
found=\\$(ip -o address show to ${first?.address} | tr -s ' ' | cut -d ' ' -f 2)
if [ \\$found != eth0 ]; then
  for change in "\\$found down" "eth0 down" "eth0 name eth" "\\$found name eth0" "eth name \\$found"
  do ip link set \\$change; done
  for name in eth0 \\$found; do ip link set \\$name up; done
fi
${route}
exit 0
END
cat > /etc/systemd/system/name-interfaces.service << END
[Unit]
Before=network.target
[Service]
Type=oneshot
ExecStart=/bin/sh /etc/name-interfaces
[Install]
WantedBy=network.target multi-user.target
END
systemctl enable --now name-interfaces`;
}

export class Machine implements AsyncDisposable {
  readonly #container: StartedTestContainer;
  readonly #options: MachineOptions;
  #pid = 0;

  private constructor(container: StartedTestContainer, options: MachineOptions) {
    this.#container = container;
    this.#options = options;
  }

  static async start(options: MachineOptions): Promise<Machine> {
    const container = await new MachineContainer(options).start();
    const machine = new Machine(container, options);
    for (const { name } of options.networks.slice(1)) await machine.#connect(name);
    await machine.#untilBooted();
    await machine.tell(naming(options));
    return machine;
  }

  /** Runs a line of shell on the machine and answers with what it printed; rejects where it fails. */
  async tell(line: string): Promise<string> {
    const { exitCode, output } = await this.#container.exec(["sh", "-c", line]);
    if (exitCode !== 0) throw new Error(`Cannot run ${line}: exit code ${exitCode}: ${output}`);
    return output.trim();
  }

  /** Puts a command into the network of the machine; its kernel answers even while the machine is paused. */
  inNetwork(argv: readonly string[]): string[] {
    return ["nsenter", "--target", String(this.#pid), "--net", ...argv];
  }

  /** The power is gone. */
  async kill(): Promise<void> {
    await (await this.#handle()).kill();
  }

  /** No process of the machine runs; its kernel, which is ours, goes on. */
  async pause(): Promise<void> {
    await (await this.#handle()).pause();
  }

  async unpause(): Promise<void> {
    await (await this.#handle()).unpause();
  }

  /** systemd shuts the machine down, and it boots again: with the same disk, and a new network. */
  async reboot(): Promise<void> {
    await (await this.#handle()).restart({ t: 20 });
    await this.#untilBooted();
  }

  /** The interface is gone, with all that it had. */
  async disconnect(network: string): Promise<void> {
    const { network: networks } = await getContainerRuntimeClient();
    await networks.getById(network).disconnect({ Container: this.#container.getId() });
  }

  /** Another interface of the same name, with the address that the machine had there. */
  async reconnect(network: string): Promise<void> {
    await this.#connect(network);
    await this.tell("systemctl start name-interfaces");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#container.stop({ timeout: 0, remove: true });
  }

  async #connect(network: string): Promise<void> {
    const { network: networks } = await getContainerRuntimeClient();
    const found = this.#options.networks.find(({ name }) => name === network);
    await networks.getById(network).connect({
      Container: this.#container.getId(),
      EndpointConfig: { IPAMConfig: { IPv4Address: found?.address ?? "" } },
    });
  }

  async #handle() {
    const { container } = await getContainerRuntimeClient();
    return container.getById(this.#container.getId());
  }

  async #untilBooted(): Promise<void> {
    const booted = async (): Promise<boolean> =>
      /running|degraded/.test(await this.tell("systemctl is-system-running || true"));
    await until(`${this.#options.name} has booted`, booted, { within: 30_000, every: 100 });
    this.#pid = (await (await this.#handle()).inspect()).State.Pid;
  }
}
