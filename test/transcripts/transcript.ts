import { millis } from "../../src/core/time.ts";
import type { Machine } from "../simulator/machine.ts";
import { World } from "../simulator/world.ts";

/**
 * A takeover as a text that a reviewer reads like a story. A block is commands, `----`, and what the
 * machines said until the commands were done, then who serves and where the clients' entries point.
 * The expected half is written by the program, on purpose: `UPDATE=1 npm run transcripts`.
 */
export function play(text: string): string {
  const [head = "", ...blocks] = text.trimEnd().split(/\n\n+/);
  const story = new Story(head);
  return `${[head, ...blocks.map((block) => story.block(block))].join("\n\n")}\n`;
}

class Story {
  private readonly world: World;
  private recorded: { readonly to: Machine; readonly path: number; readonly bytes: Uint8Array }[] =
    [];
  private told = 0;

  constructor(head: string) {
    this.world = new World({
      seed: 1,
      paths: head.startsWith("# One path") ? 1 : 2,
      witness: !head.startsWith("# No witness"),
      mode: head.startsWith("# Drain") ? "drain" : "cut",
      takeover: head.startsWith("# Link") ? "link" : "address",
      steps: head.includes("steps 5 %, 50 %, 100 %") ? [0.05, 0.5, 1] : [1],
    });
  }

  block(text: string): string {
    const commands = (text.split("\n----")[0] ?? "").split("\n");
    for (const command of commands) if (!command.startsWith("#")) this.command(command);
    return [...commands, "----", ...this.heard(), this.outcome()].join("\n");
  }

  private heard(): readonly string[] {
    const said = this.world.said.slice(this.told);
    this.told = this.world.said.length;
    return said.map(
      ({ at, node, sentence }) =>
        `${(at / 1000).toFixed(3).padStart(7)} ${node.padEnd(7)}  ${sentence}`,
    );
  }

  private outcome(): string {
    const serving = this.world.machines.filter((machine) => machine.kernel.speaks);
    const clients = this.world.machines.find((machine) => machine.mac === this.world.clientsArp);
    const names = serving.map((machine) => machine.name).join(" and ") || "nobody";
    const broken = this.world.clients.broken.splice(0).length;
    const harm = broken === 0 ? "" : `; connections broken: ${broken}`;
    const up = this.world.machines.filter(({ kernel }) => kernel.link?.up === true);
    const links =
      this.world.machines[0].kernel.link === undefined
        ? ""
        : `; interface up: ${up.map(({ name }) => name).join(" and ") || "none"}`;
    return `serves: ${names}; clients' entries: ${clients?.name ?? "none"}${links}${harm}`;
  }

  private command(line: string): void {
    const [verb = "", ...words] = line.trim().split(/\s+/);
    const act = verbs[verb];
    if (act !== undefined) act(this.world, words);
    else if (verb === "record") this.record();
    else if (verb === "replay") this.replay((bytes) => bytes);
    else if (verb === "forge")
      this.replay((bytes) => bytes.map((byte, at) => (at === 40 ? byte ^ 1 : byte)));
    else throw new Error(`Cannot play "${line}": there is no command ${verb}`);
  }

  /** From now on everything that crosses the network is kept. */
  private record(): void {
    for (const machine of this.world.machines) {
      const receive = machine.receive.bind(machine);
      machine.receive = (path, bytes) => {
        this.recorded.push({ to: machine, path, bytes });
        receive(path, bytes);
      };
    }
  }

  private replay(change: (bytes: Uint8Array) => Uint8Array): void {
    for (const { to, path, bytes } of this.recorded.splice(0)) to.receive(path, change(bytes));
  }
}

/** The word behind this one. */
const after = (words: readonly string[], word: string): string | undefined =>
  words.includes(word) ? words[words.indexOf(word) + 1] : undefined;

type Verb = (world: World, words: readonly string[]) => void;

const onMachine =
  (act: (machine: Machine, words: readonly string[]) => void): Verb =>
  (world, [name = "", ...words]) =>
    act(world.machine(name), words);

const verbs: Readonly<Record<string, Verb>> = {
  boot: (world, names) => {
    for (const name of names) world.machine(name).boot();
  },
  run: (world, [span = ""]) => world.run(Number.parseFloat(span) * 1000),
  "power-off": onMachine((machine) => machine.powerOff()),
  "kill-agent": onMachine((machine) => machine.killAgent()),
  "start-agent": onMachine((machine) => machine.startAgent()),
  stop: onMachine((machine) => machine.freeze()),
  cont: onMachine((machine) => machine.thaw()),
  pause: onMachine((machine) => machine.pause()),
  resume: onMachine((machine) => machine.resume()),
  "link-down": onMachine((machine) => machine.kernel.setLink(false)),
  unplug: onMachine((machine) => machine.setCarrier(false)),
  plug: onMachine((machine) => machine.setCarrier(true)),
  web: onMachine((machine, words) => {
    machine.web = words.join(" ") as Machine["web"];
  }),
  "remove-by-hand": onMachine((machine) => machine.kernel.removeByHand()),
  refuse: onMachine((machine) => {
    machine.kernel.refuses = true;
  }),
  cut: (world, [from = "", what, path = "all"]) => {
    const paths = path === "all" ? [0, 1] : [Number(path)];
    world.cuts = [
      ...world.cuts,
      ...paths.map((at) => ({
        from,
        what: what === "udp" ? ("udp" as const) : ("frames" as const),
        path: at,
      })),
    ];
  },
  mend: (world) => {
    world.cuts = [];
    world.offGateway.clear();
  },
  "off-gateway": (world, [name = ""]) => void world.offGateway.add(name),
  gateway: (world, [state]) => {
    world.gatewayWell = state === "up";
  },
  claim: (world, [mac = ""]) => void world.claimants.push(mac),
  neighbour: onMachine((machine, [mac = ""]) => machine.tell({ kind: "neighbour-answered", mac })),
  unclaim: (world) => void world.claimants.splice(0),
  promote: (world, [node = "", ...words]) => {
    const on = world.machines.find(({ name }) => name === words[0])?.name ?? node;
    const [share, span] = [after(words, "share"), after(words, "for")];
    world.machine(on).order({
      kind: "promote",
      node,
      id: world.random.hex(12),
      cut: words.includes("cut"),
      hold:
        share === undefined
          ? undefined
          : { share: Number(share) / 100, span: millis(Number(span) * 1000) },
      drainTime: undefined,
    });
  },
  preview: (world, [on = "", tester = "", seconds = ""]) =>
    world.machine(on).order({
      kind: "preview",
      id: world.random.hex(12),
      testers: [tester],
      span: millis(Number(seconds) * 1000),
    }),
  recall: onMachine((machine) => machine.order({ kind: "recall" })),
  release: onMachine((machine) => machine.order({ kind: "release" })),
  freeze: onMachine((machine) => machine.order({ kind: "freeze" })),
  thaw: onMachine((machine) => machine.order({ kind: "thaw" })),
  leave: onMachine((machine) => machine.order({ kind: "leave" })),
  "step-aside": onMachine((machine) => machine.order({ kind: "step-aside" })),
};
