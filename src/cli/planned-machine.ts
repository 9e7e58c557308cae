import { isIPv4 } from "node:net";

import type { MacAddress } from "../core/beat.ts";
import type { Diversion } from "../core/diversion.ts";
import type { AddressWish } from "../core/effect.ts";
import { commandLine } from "../linux/command.ts";
import { endArguments } from "../linux/connection-keeper.ts";
import { changeScript, type Load } from "../linux/diversion/change.ts";
import { forgetScript, removeScript } from "../linux/diversion/rules.ts";
import { closeScript, openScript } from "../linux/door.ts";
import { hostPrefix, type IpAddress, parseAddress } from "../linux/ip-address.ts";
import { muteScript, tableName, unmuteScript } from "../linux/mute.ts";
import type { KernelAddress } from "../linux/netlink.ts";
import { marked } from "../linux/own-routes.ts";
import type { Picture, Scene } from "../linux/picture.ts";
import { nextAddressCommands, nextSilentStep, type SilentStep } from "../linux/plan.ts";
import type { Configuration, NodeConfiguration } from "./configuration/configuration.ts";

/**
 * One of the two machines, and what its kernel will have after each step. The commands come from the same
 * functions that the agent acts by, asked with the pictures that the kernel will show one after the other.
 */
export class PlannedMachine {
  readonly mac: MacAddress;
  readonly #configuration: Configuration;
  readonly #node: NodeConfiguration;
  readonly #table: string;
  /** One for each interface that has addresses of the pair. */
  #places: readonly { readonly scene: Scene; readonly picture: Picture }[];
  #load: Load | "nothing" = "nothing";
  #routed: boolean;

  constructor(
    configuration: Configuration,
    node: NodeConfiguration,
    { mac, holds }: { readonly mac: MacAddress; readonly holds: boolean },
  ) {
    this.mac = mac;
    this.#routed = holds;
    this.#configuration = configuration;
    this.#node = node;
    this.#table = tableName(configuration.pair);
    const devices = configuration.addresses.map((one) => one.interface ?? node.interface);
    this.#places = [...new Set(devices)].map((device) => {
      const addresses = configuration.addresses
        .filter((_, index) => devices[index] === device)
        .map(({ address }) => parseAddress(address));
      const scene = {
        interface: device,
        silentInterface: "lo",
        addresses,
        former: [],
        muteTable: this.#table,
      };
      return { scene, picture: firstPicture(scene, holds) };
    });
  }

  /** The interface of its own that the service has; nothing where only addresses move. */
  link(state: "up" | "down"): readonly string[] {
    if (this.#configuration.takeover !== "link") return [];
    return [ip(`link set dev ${this.#node.interface} ${state}`)];
  }

  /** Until the kernel has what is wished, one step after the other. */
  becomes(wish: AddressWish): readonly string[] {
    const { routes, takeover } = this.#configuration;
    const silent = wish.silent === "present" && takeover === "address";
    const routed = wish.address === "present" || silent;
    const before =
      this.#routed && !routed
        ? routes.toReversed().map((route) => ip(`route del ${marked(route)}`))
        : [];
    const after =
      routed && !this.#routed ? routes.map((route) => ip(`route add ${marked(route)}`)) : [];
    this.#routed = routed;
    const first = this.#nextAddress(wish);
    const rest = this.#moves(wish);
    return first.length > 0
      ? [...before, ...first, ...after, ...rest]
      : [...before, ...rest, ...after];
  }

  /** What goes to the other machine from here on. */
  passes(diversion: Diversion, arrivalsFrom?: MacAddress): readonly string[] {
    if (diversion.kind === "none") {
      this.#load = "nothing";
      return [nft(removeScript(this.#table))];
    }
    return this.#changes({ diversion, arrivalsFrom, ownMac: this.mac });
  }

  /** The list of the connections that stay with the first holder. */
  keeps(): readonly string[] {
    const element = "CLIENT . PORT . ADDRESS . PORT, ...";
    const lists = [...this.#families].map(
      (family) => `# add element netdev ${this.#table} keep${family} { ${element} }`,
    );
    return this.#load === "nothing" ? [] : this.#changes(this.#load, lists);
  }

  forgets(): readonly string[] {
    return [nft(forgetScript(this.#diversionScene))];
  }

  /** What is left of the connections to the address, with a reset. */
  ends(): readonly string[] {
    return this.#configuration.addresses.map(({ address }) =>
      commandLine("ss", endArguments(address)),
    );
  }

  /** For the moment before the address goes, so that open requests end. */
  closes(): readonly string[] {
    return [nft(closeScript(this.#table, this.#addresses))];
  }

  opens(): readonly string[] {
    return [nft(openScript(this.#table))];
  }

  /** The agent writes the frames itself; arping is the nearest that can be typed. */
  announces(): readonly string[] {
    return this.#places.flatMap(({ scene: { interface: device, addresses } }) =>
      addresses.flatMap(({ family, text }) =>
        family === 4
          ? [`arping -c 1 -U -I ${device} ${text}`, `arping -c 1 -A -I ${device} ${text}`]
          : [`# sends an unsolicited neighbour advertisement for ${text} on ${device}`],
      ),
    );
  }

  #moves(wish: AddressWish): readonly string[] {
    const lines = this.#nextAddress(wish);
    const next = lines.length > 0 ? lines : this.#nextSilence(wish);
    return next.length === 0 ? [] : [...next, ...this.#moves(wish)];
  }

  #changes(aim: Load, elements?: readonly string[]): readonly string[] {
    const change = { loaded: this.#load, aim, afresh: false, elements };
    this.#load = aim;
    return [nft(changeScript(this.#diversionScene, change))];
  }

  #nextAddress(wish: AddressWish): readonly string[] {
    const { lease } = this.#configuration;
    const there = wish.address === "present";
    const lines = this.#places.flatMap(({ scene, picture }) =>
      nextAddressCommands(scene, wish, picture, lease / 1000, true),
    );
    if (lines.length === 0) return [];
    this.#see((scene) => ({ service: there ? entries(scene) : [] }));
    return lines.map(ip);
  }

  #nextSilence(wish: AddressWish): readonly string[] {
    return this.#places.flatMap(({ scene, picture }, index) => {
      const step = nextSilentStep(scene, wish, picture);
      const silent = wish.silent === "present" ? entries(scene) : [];
      const seen = step?.kind === "commands" ? { silent } : { muted: step?.kind === "mute" };
      if (step !== undefined) this.#see((_, at) => (at === index ? seen : {}));
      return step === undefined ? [] : this.#silenceLines(scene, step);
    });
  }

  #silenceLines(scene: Scene, step: SilentStep): readonly string[] {
    switch (step.kind) {
      case "mute":
        return [nft(muteScript(scene.muteTable, scene.addresses, this.#own()))];
      case "unmute":
        return [nft(unmuteScript(scene.muteTable))];
      case "commands":
        return step.lines.map(ip);
    }
  }

  #see(change: (scene: Scene, index: number) => Partial<Picture>): void {
    this.#places = this.#places.map(({ scene, picture }, index) => ({
      scene,
      picture: { ...picture, ...change(scene, index) },
    }));
  }

  get #addresses(): readonly IpAddress[] {
    return this.#places.flatMap(({ scene }) => scene.addresses);
  }

  get #families(): ReadonlySet<4 | 6> {
    return new Set(this.#addresses.map(({ family }) => family));
  }

  get #diversionScene() {
    const device = this.#node.interface;
    return { table: this.#table, device, ownMac: this.mac, addresses: this.#addresses };
  }

  #own(): IpAddress | undefined {
    const own = this.#node.paths.find((path) => isIPv4(path));
    return own === undefined ? undefined : parseAddress(own);
  }
}

function firstPicture(scene: Scene, holds: boolean): Picture {
  return {
    link: { index: 0, name: scene.interface, mac: "", up: true, carrier: true },
    service: holds ? entries(scene) : [],
    silentIndex: 0,
    silent: [],
    muted: false,
  };
}

function entries({ addresses }: Scene): readonly KernelAddress[] {
  return addresses.map((address) => ({
    interfaceIndex: 0,
    address,
    prefixLength: hostPrefix(address),
    validFor: 2,
  }));
}

const ip = (command: string): string => `ip ${command}`;
const nft = (script: string): string => commandLine("nft", [script]);
