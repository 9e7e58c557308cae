import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import type { MacAddress } from "../../src/core/beat.ts";
import type { Diversion } from "../../src/core/diversion.ts";
import { parseAddress } from "../../src/linux/ip-address.ts";
import { muteScript, tableName } from "../../src/linux/mute.ts";
import type { ActorOptions, ActorWord, Calls } from "./diversion-actor.ts";
import { type Child, eventually, Namespace, wait } from "./namespace.ts";

/** What moves. */
export const shared = { v4: "10.99.0.100", v6: "fd99::100" } as const;
export const both = [shared.v4, shared.v6] as const;
export const macs = { here: "02:00:00:00:00:11", there: "02:00:00:00:00:12" } as const;
export const clientAddress = { v4: "10.99.0.7", v6: "fd99::7", second: "10.99.0.8" } as const;
export const table = tableName("contract");

export const byShare = (share: number, ...testers: readonly string[]): Diversion => ({
  kind: "share",
  to: macs.there,
  share,
  testers,
});
export const allButKept: Diversion = { kind: "all-but-kept", to: macs.there };
export const kept: Diversion = { kind: "kept", to: macs.here };

/** One machine of the lab, or the client: what `diversion-actor.ts` does in its namespace. */
export class Actor {
  readonly namespace: Namespace;
  readonly diverted: Diversion[] = [];
  readonly kept: number[] = [];
  readonly commands: string[] = [];
  readonly troubles: string[] = [];
  #child: Child | undefined;
  #next = 0;
  readonly #waiting = new Map<number, Waiting>();

  constructor(namespace: Namespace) {
    this.namespace = namespace;
  }

  start(mac: MacAddress, addresses: readonly string[]): void {
    const script = fileURLToPath(new URL("./diversion-actor.ts", import.meta.url));
    const options: ActorOptions = { table, mac, addresses };
    const node = [process.execPath, "--import", "tsx", script, JSON.stringify(options)];
    const child = this.namespace.spawn(...node);
    child.stdin.on("error", () => {});
    createInterface({ input: child.stdout }).on("line", (line) => this.#take(JSON.parse(line)));
    this.#child = child;
  }

  kill(): void {
    this.#child?.kill("SIGKILL");
  }

  call<Name extends keyof Calls>(
    call: Name,
    ...args: Parameters<Calls[Name]>
  ): Promise<Awaited<ReturnType<Calls[Name]>>> {
    const id = this.#next++;
    this.#child?.stdin.write(`${JSON.stringify({ id, call, args })}\n`);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
    });
  }

  /** Wishes it, and waits until it is in the kernel. */
  async divert(diversion: Diversion, arrivalsFrom?: MacAddress): Promise<void> {
    await this.call("reconcile", diversion, arrivalsFrom);
    const text = JSON.stringify(diversion);
    await this.eventually(text, () => JSON.stringify(this.diverted.at(-1)) === text);
  }

  async keep(flows: Parameters<Calls["keep"]>[0]): Promise<void> {
    const before = this.kept.length;
    await this.call("keep", flows);
    await this.eventually("the list in the kernel", () => this.kept.length > before);
  }

  /** How the connection ended, once it has. */
  async end(key: string): Promise<Awaited<ReturnType<Calls["look"]>>> {
    for (let looks = 0; looks < 300; looks += 1) {
      const seen = await this.call("look", key);
      if (seen.ended !== "") return seen;
      await wait(50);
    }
    throw new Error(`Never seen: the end of ${key}`);
  }

  async eventually(what: string, seen: () => boolean): Promise<void> {
    await eventually(what, seen, 10_000).catch((error: unknown) => {
      throw new Error([String(error), ...this.troubles].join("\n"));
    });
  }

  #take(word: ActorWord): void {
    if (word.word === "answer") this.#waiting.get(word.id)?.resolve(word.value);
    else if (word.word === "failure") this.#waiting.get(word.id)?.reject(new Error(word.reason));
    else if (word.word === "diverted") this.diverted.push(word.value);
    else if (word.word === "kept") this.kept.push(word.value);
    else (word.word === "command" ? this.commands : this.troubles).push(word.value);
  }
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Two machines and a client on one switch. `here` holds the addresses; `there` has them on `lo`, muted.
 *
 *   client ── switch ─┬─ here          client ── router ── switch ─┬─ here
 *                     └─ there                  mtu 1000           └─ there
 */
export class Lab implements Disposable {
  readonly here: Actor;
  readonly there: Actor;
  readonly client: Actor;
  readonly router: Namespace | undefined;
  readonly #all: readonly Namespace[];

  private constructor(all: readonly Namespace[], router: Namespace | undefined) {
    const [, here, there, client] = all as [Namespace, Namespace, Namespace, Namespace];
    this.#all = all;
    this.router = router;
    this.here = new Actor(here);
    this.there = new Actor(there);
    this.client = new Actor(client);
  }

  static async start(options: { readonly far?: "to" | "from" } = {}): Promise<Lab> {
    const router = options.far === undefined ? undefined : await Namespace.open();
    const four = await Promise.all([1, 2, 3, 4].map(() => Namespace.open()));
    const lab = new Lab(router === undefined ? four : [...four, router], router);
    const [cable] = four as [Namespace, ...Namespace[]];
    cable.run("ip link add br0 type bridge");
    cable.run("ip link set br0 up");
    const { here, there, client } = lab;
    const addresses = [shared.v4, shared.v6];
    plug(cable, here.namespace, "11", macs.here);
    plug(cable, there.namespace, "12", macs.there);
    if (router === undefined) {
      plug(cable, client.namespace, "7", "02:00:00:00:00:07");
      client.namespace.run(`ip addr add ${clientAddress.second}/24 dev eth0`);
    } else lab.#layFarCable(cable, router, options.far === "to");
    here.namespace.run(`ip addr add ${shared.v4}/32 dev eth0`);
    here.namespace.run(`ip -6 addr add ${shared.v6}/128 dev eth0 nodad`);
    there.namespace.runWords("nft", mute("10.99.0.12"));
    there.namespace.run(`ip addr add ${shared.v4}/32 dev lo`);
    there.namespace.run(`ip -6 addr add ${shared.v6}/128 dev lo nodad`);
    here.start(macs.here, addresses);
    there.start(macs.there, addresses);
    client.start("", addresses);
    await Promise.all([here.call("serve", "here"), there.call("serve", "there")]);
    return lab;
  }

  /** The address changes machines, as the keeper does it; the old one keeps it, silent. */
  move(): void {
    const [here, there] = [this.here.namespace, this.there.namespace];
    there.run(`ip addr add ${shared.v4}/32 dev eth0`);
    there.run(`ip -6 addr add ${shared.v6}/128 dev eth0 nodad`);
    there.run(`nft delete table arp ${table}`);
    here.runWords("nft", mute("10.99.0.11"));
    here.run(`ip addr add ${shared.v4}/32 dev lo`);
    here.run(`ip -6 addr add ${shared.v6}/128 dev lo nodad`);
    here.run(`ip addr del ${shared.v4}/32 dev eth0`);
    here.run(`ip -6 addr del ${shared.v6}/128 dev eth0`);
  }

  /** The client learns where the address is now, as by an announcement. */
  announce(mac: MacAddress): void {
    const { namespace } = this.client;
    for (const address of [shared.v4, shared.v6]) {
      namespace.run(`ip neigh replace ${address} lladdr ${mac} nud reachable dev eth0`);
    }
  }

  [Symbol.dispose](): void {
    for (const actor of [this.here, this.there, this.client]) actor.kill();
    for (const namespace of this.#all) namespace[Symbol.dispose]();
  }

  /** The link of 1000 bytes is on the way to the client, or on the way from it. */
  #layFarCable(cable: Namespace, router: Namespace, to: boolean): void {
    plug(cable, router, "1", "02:00:00:00:00:01");
    const client = this.client.namespace;
    router.run(`ip link add eth1 type veth peer name eth0 netns ${client.pid}`);
    router.run(`ip link set ${to ? "eth1" : "eth0"} mtu 1000`);
    router.runWords("sysctl", "-q", "-w", "net.ipv4.ip_forward=1");
    router.run("ip addr add 10.98.0.1/24 dev eth1");
    router.run("ip link set eth1 up");
    client.run("ip addr add 10.98.0.7/24 dev eth0");
    client.run("ip link set eth0 up");
    client.run("ip route add default via 10.98.0.1");
    // Then its kernel lets routers split what it sends.
    if (!to) client.runWords("sysctl", "-q", "-w", "net.ipv4.ip_no_pmtu_disc=1");
    for (const { namespace } of [this.here, this.there]) {
      namespace.run("ip route add 10.98.0.0/24 via 10.99.0.1");
    }
  }
}

const mute = (own: string): string =>
  muteScript(table, [parseAddress(shared.v4)], parseAddress(own));

const plug = (cable: Namespace, to: Namespace, number: string, mac: MacAddress): void => {
  // A kernel asks for no IPv6 neighbour while its own link-local address is on probation.
  to.runWords("sysctl", "-q", "-w", "net.ipv6.conf.default.accept_dad=0");
  cable.run(`ip link add port${number} type veth peer name eth0 address ${mac} netns ${to.pid}`);
  cable.run(`ip link set port${number} master br0 up`);
  to.run("ip link set eth0 up");
  to.run(`ip addr add 10.99.0.${number}/24 dev eth0`);
  to.run(`ip -6 addr add fd99::${number}/64 dev eth0 nodad`);
};
