import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  GenericContainer,
  getContainerRuntimeClient,
  type StartedTestContainer,
} from "testcontainers";

import { mustRun, run } from "../../src/practice/command.ts";
import { ensureTools } from "../../src/practice/tools.ts";
import { until } from "../../src/practice/wait.ts";

/*
 * Machines with systemd as their init, in containers on internal networks of their own. No image is
 * pulled: Debian's debootstrap makes one, which is kept below /var/cache.
 */

const cache = "/var/cache/failover-test";
const packages =
  "systemd,systemd-sysv,dbus,iproute2,nftables,nginx-light,apache2,procps,libstdc++6,curl";
/** Half of what debootstrap leaves; every run of an engine of its own imports the rest anew. */
const unused = ["var/cache/apt/archives", "var/lib/apt/lists"].concat(
  ["locale", "doc", "man"].map((name) => `usr/share/${name}`),
);
/** One that was made by another recipe is not found. */
const recipe = createHash("sha256")
  .update([packages, ...unused].join("\n"))
  .digest("hex");
const image = `failover-test:${recipe.slice(0, 8)}`;

/** The engine that runs, or one that is started for this test and ended with it. */
export async function startEngine(): Promise<AsyncDisposable> {
  // The reaper would be pulled from a registry; what is started here is ended here.
  process.env["TESTCONTAINERS_RYUK_DISABLED"] = "true";
  // No port is published, so the gateway of a bridge, which this engine lacks, is of no interest.
  process.env["TESTCONTAINERS_HOST_OVERRIDE"] = "localhost";
  await ensureTools(
    [
      { command: "docker", package: "docker.io" },
      { command: "dockerd", package: "docker.io" },
    ],
    console.log,
  );
  if ((await run(["docker", "version"])).ok) return { async [Symbol.asyncDispose]() {} };
  const place = mkdtempSync(join(tmpdir(), "failover-engine-"));
  const at = (name: string): string => join(place, name);
  const host = `unix://${at("docker.sock")}`;
  process.env["DOCKER_HOST"] = host;
  const places = ["--data-root", at("data"), "--exec-root", at("exec"), "--pidfile", at("pid")];
  // It ends with this process, even when that is killed.
  const engine = spawn(
    "setpriv",
    ["--pdeathsig", "TERM", "dockerd", ...places, "--host", host, "--bridge", "none"],
    { stdio: "ignore" },
  );
  const ended = new Promise((resolve) => engine.once("exit", resolve));
  const answers = async (): Promise<boolean> => (await run(["docker", "version"])).ok;
  await until("the container engine answers", answers, { within: 30_000, every: 200 });
  return {
    async [Symbol.asyncDispose]() {
      engine.kill("SIGTERM");
      await ended;
      rmSync(place, { recursive: true, force: true });
    },
  };
}

export const archive = join(cache, `${recipe.slice(0, 8)}.tar`);

/** Debian 12 with systemd, nginx, and an Apache that is not started; a minute or two the first time. */
export async function makeArchive(): Promise<void> {
  if (existsSync(archive)) return;
  await ensureTools([{ command: "debootstrap", package: "debootstrap" }], console.log);
  mkdirSync(cache, { recursive: true });
  const scratch = mkdtempSync(join(cache, "making-"));
  try {
    const debootstrap = ["debootstrap", "--variant=minbase", `--include=${packages}`, "bookworm"];
    const root = join(scratch, "root");
    await mustRun([...debootstrap, root]);
    await mustRun(["chroot", root, "systemctl", "disable", "apache2"]);
    const without = unused.map((path) => `--exclude=./${path}`);
    await mustRun(["tar", "-C", root, ...without, "-cf", join(scratch, "tar"), "."]);
    renameSync(join(scratch, "tar"), archive);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

export async function prepareImage(): Promise<void> {
  if ((await run(["docker", "image", "inspect", image])).ok) return;
  await makeArchive();
  await mustRun(["docker", "import", archive, image]);
}

export interface NetworkOptions {
  readonly name: string;
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
    IPAM: { Driver: "default", Config: [{ Subnet: subnet }] },
  });
  return { [Symbol.asyncDispose]: () => network.remove(created) };
}

export interface MachineOptions {
  readonly name: string;
  /** The first is eth0. */
  readonly networks: readonly { readonly name: string; readonly address: string }[];
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
 * here it is a unit that makes the first network eth0.
 */
function naming({ networks: [first] }: MachineOptions): string {
  return `cat > /etc/name-interfaces << END
found=\\$(ip -o address show to ${first?.address} | tr -s ' ' | cut -d ' ' -f 2)
[ \\$found = eth0 ] && exit
for change in "\\$found down" "eth0 down" "eth0 name eth" "\\$found name eth0" "eth name \\$found"
do ip link set \\$change; done
for name in eth0 \\$found; do ip link set \\$name up; done
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
systemctl enable name-interfaces`;
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
