import { isIPv4 } from "node:net";

import type { AddressWish } from "../core/effect.ts";
import { commandLine } from "../linux/command.ts";
import { closeScript, openScript } from "../linux/door.ts";
import { hostPrefix, type IpAddress, parseAddress } from "../linux/ip-address.ts";
import { muteScript, tableName, unmuteScript } from "../linux/mute.ts";
import type { KernelAddress } from "../linux/netlink.ts";
import { needsMute, type Picture, type Scene } from "../linux/picture.ts";
import { nextAddressCommands, nextSilentStep } from "../linux/plan.ts";
import type { Configuration, NodeConfiguration } from "./configuration/configuration.ts";
import { sidesOf } from "./configuration/node-here.ts";

/** What one machine does in one step of a swap, as lines that an administrator could type there. */
export interface PlannedStep {
  readonly node: string;
  readonly title: string;
  /** Commands; what has no command is told after a `#`. */
  readonly lines: readonly string[];
}

/**
 * The swap to `target` in cut mode, moving nothing. The commands come from the same functions that
 * the agent acts by, asked with the pictures that the kernel will show one after the other.
 */
export function planSwap(configuration: Configuration, target: string): readonly PlannedStep[] {
  const { here: to, peer: from } = sidesOf(configuration, target);
  const [giver, taker] = [new Machine(configuration, from), new Machine(configuration, to)];
  const { minRequests, maxErrorRate, verifyTime } = configuration.swap;
  const proof = [
    `# counts requests and errors in ${to.accessLogs.join(", ")}`,
    `# at least ${minRequests} requests in ${verifyTime / 1000} s, errors at most ` +
      `${percent(maxErrorRate)} above those of ${from.name}`,
  ];
  const baseline = `# counts requests and errors in ${from.accessLogs.join(", ")}`;
  return [
    { node: from.name, title: "measures what it serves", lines: [baseline] },
    { node: to.name, title: "gets the address, unseen", lines: taker.silence() },
    { node: to.name, title: "asks itself for a page", lines: rehearsal(configuration, to) },
    { node: from.name, title: "lets nobody new in, for a moment", lines: giver.closing() },
    {
      node: from.name,
      title: "lets the address go",
      lines: [...giver.departure(), ...giver.opening()],
    },
    {
      node: to.name,
      title: "takes the address",
      lines: [...taker.arrival(), ...taker.unsilence()],
    },
    { node: to.name, title: "tells the network", lines: taker.announcement() },
    { node: to.name, title: "proves that it serves", lines: proof },
    {
      node: to.name,
      title: "lets the address go, if the proof does not come",
      lines: taker.departure(),
    },
    {
      node: from.name,
      title: "takes it back, in that case",
      lines: [...giver.arrival(), ...giver.announcement()],
    },
  ];
}

/** One of the two, and the pictures of its kernel. */
class Machine {
  readonly #configuration: Configuration;
  readonly #node: NodeConfiguration;
  /** One for each interface that has addresses of the pair. */
  readonly #scenes: readonly Scene[];

  constructor(configuration: Configuration, node: NodeConfiguration) {
    this.#configuration = configuration;
    this.#node = node;
    const devices = configuration.addresses.map((one) => one.interface ?? node.interface);
    this.#scenes = [...new Set(devices)].map((device) => ({
      interface: device,
      silentInterface: "lo",
      addresses: configuration.addresses
        .filter((_, index) => devices[index] === device)
        .map(({ address }) => parseAddress(address)),
      former: [],
      muteTable: tableName(configuration.pair),
    }));
  }

  silence(): readonly string[] {
    const wish: AddressWish = { address: "absent", silent: "present" };
    return this.#scenes.flatMap((scene) => this.#silent(scene, wish, picture(scene, "nowhere")));
  }

  arrival(): readonly string[] {
    const wish: AddressWish = { address: "present", silent: "absent" };
    const seconds = this.#configuration.lease / 1000;
    return [
      ...this.#scenes.flatMap((scene) =>
        nextAddressCommands(scene, wish, picture(scene, "nowhere"), seconds).map(ip),
      ),
      ...this.#configuration.routes.map((route) => ip(`route add ${route}`)),
    ];
  }

  unsilence(): readonly string[] {
    const wish: AddressWish = { address: "present", silent: "absent" };
    return this.#scenes.flatMap((scene) => this.#silent(scene, wish, picture(scene, "both")));
  }

  /** For the moment before the address goes, so that open requests end. */
  closing(): readonly string[] {
    const addresses = this.#scenes.flatMap((scene) => scene.addresses);
    return [`nft '${closeScript(tableName(this.#configuration.pair), addresses)}'`];
  }

  opening(): readonly string[] {
    return [`nft '${openScript(tableName(this.#configuration.pair))}'`];
  }

  departure(): readonly string[] {
    const wish: AddressWish = { address: "absent", silent: "absent" };
    const seconds = this.#configuration.lease / 1000;
    return [
      ...this.#configuration.routes.map((route) => ip(`route del ${route}`)),
      ...this.#scenes.flatMap((scene) =>
        nextAddressCommands(scene, wish, picture(scene, "interface"), seconds).map(ip),
      ),
    ];
  }

  /** The agent writes the frames itself; arping is the nearest that can be typed. */
  announcement(): readonly string[] {
    return this.#scenes.flatMap(({ interface: device, addresses }) =>
      addresses.flatMap(({ family, text }) =>
        family === 4
          ? [`arping -c 1 -U -I ${device} ${text}`, `arping -c 1 -A -I ${device} ${text}`]
          : [`# sends an unsolicited neighbour advertisement for ${text} on ${device}`],
      ),
    );
  }

  /** Step by step, until the picture is what is wished. */
  #silent(scene: Scene, wish: AddressWish, before: Picture): readonly string[] {
    const step = nextSilentStep(scene, wish, before);
    switch (step?.kind) {
      case "mute": {
        const line = commandLine("nft", [
          muteScript(scene.muteTable, scene.addresses, this.#own()),
        ]);
        return [line, ...this.#silent(scene, wish, { ...before, muted: true })];
      }
      case "unmute":
        return [commandLine("nft", [unmuteScript(scene.muteTable)])];
      case "commands": {
        const silent = wish.silent === "present" ? entries(scene) : [];
        return [...step.lines.map(ip), ...this.#silent(scene, wish, { ...before, silent })];
      }
      case undefined:
        return [];
    }
  }

  #own(): IpAddress | undefined {
    const own = this.#node.paths.find((path) => isIPv4(path));
    return own === undefined ? undefined : parseAddress(own);
  }
}

/** The page is asked for on the machine itself, where the address is on `lo`. */
function rehearsal(
  { addresses, canary, domain }: Configuration,
  { accessLogs }: NodeConfiguration,
): readonly string[] {
  const address = addresses[0]?.address ?? "";
  const literal = isIPv4(address) ? address : `[${address}]`;
  const name = domain ?? literal;
  const connect = domain === undefined ? [] : ["--connect-to", `::${literal}:${canary.port}`];
  const { from, to } = canary.expect;
  const url = `${canary.scheme}://${name}:${canary.port}${canary.path}`;
  return [
    commandLine("curl", ["-sS", "-o", "/dev/null", ...connect, url]),
    `# expects status ${from}-${to}, and the line in ${accessLogs.join(", ")}`,
  ];
}

/** `both`: also on `lo`, and muted. */
function picture(scene: Scene, where: "nowhere" | "interface" | "both"): Picture {
  return {
    link: { index: 0, name: scene.interface, mac: "", up: true, carrier: true },
    service: where === "nowhere" ? [] : entries(scene),
    silentIndex: 0,
    silent: where === "both" ? entries(scene) : [],
    muted: where === "both" && needsMute(scene),
  };
}

function entries({ addresses }: Scene): readonly KernelAddress[] {
  return addresses.map((address) => ({
    interfaceIndex: 0,
    address,
    prefixLength: hostPrefix(address),
    validFor: "forever",
  }));
}

function ip(command: string): string {
  return `ip ${command}`;
}

function percent(rate: number): string {
  return `${Number((rate * 100).toFixed(4))} %`;
}
