import type { Interface } from "node:readline/promises";

import {
  absolutePath,
  type Format,
  hostName,
  interfaceName,
  ipAddress,
  nodeName,
  pairName,
} from "../configuration/formats.ts";
import type { Findings } from "./complete.ts";
import { both } from "./flags.ts";
import { namesOf, usualLog } from "./settle.ts";
import type { Said, Sketch, SketchNode } from "./sketch.ts";
import { interfaceTo, ownAddress, type Surroundings } from "./surroundings.ts";

/** How a person is asked: a terminal, or the script of a test. */
export type Terminal = Pick<Interface, "question">;

/**
 * Asks for what neither the command line nor a foreign file has told; Enter takes what was found on this
 * machine. Every answer is read by the configuration's own formats, and asked for again until it fits.
 */
export async function asked(
  sketch: Sketch,
  findings: Findings,
  terminal: Terminal,
  say: (line: string) => void,
): Promise<Sketch> {
  const fresh = sketch.source === "";
  const person = new Person(terminal, say);
  const addresses =
    sketch.addresses.length > 0
      ? sketch.addresses
      : await person.list("The address of the service, which will move", ipAddress, []);
  const nodes = await askNodes({ ...sketch, addresses }, findings, person);
  const logs = nodes.flatMap(({ accessLogs }) => accessLogs);
  const files = logs.length > 0 ? [] : await askLogs(findings, person);
  const domain =
    sketch.domain ??
    (fresh ? await person.one("The name users type (Enter: none)", hostName, "") : undefined);
  const pair =
    sketch.pair ?? (fresh ? await person.one("A name for the pair", pairName, "www") : undefined);
  const withLogs = both(nodes, (node) => ({ ...node, accessLogs: files }));
  return { ...sketch, addresses, domain, pair, nodes: files.length === 0 ? nodes : withLogs };
}

/** This machine first, whichever stands first in the configuration. */
async function askNodes(
  sketch: Sketch,
  { surroundings }: Findings,
  person: Person,
): Promise<Sketch["nodes"]> {
  const [first, second] = sketch.nodes;
  const turned = second.here === true;
  const names = namesOf(sketch.nodes);
  const service = sketch.addresses[0]?.value;
  const guess = (at: 0 | 1): string | undefined =>
    sketch.source === "" ? names[at].value : undefined;
  const here = await askNode({
    person,
    surroundings,
    service,
    node: { ...(turned ? second : first), here: true },
    other: turned ? first : second,
    title: "this machine",
    guess: guess(turned ? 1 : 0),
  });
  const there = await askNode({
    person,
    surroundings,
    service,
    node: { ...(turned ? first : second), here: false },
    other: here,
    title: "the other machine",
    guess: guess(turned ? 0 : 1),
  });
  return turned ? [there, here] : [here, there];
}

interface About {
  readonly person: Person;
  readonly surroundings: Surroundings;
  readonly service: string | undefined;
  readonly node: SketchNode;
  readonly other: SketchNode;
  readonly title: string;
  /** A name where none is known; undefined: it is not asked for. */
  readonly guess: string | undefined;
}

async function askNode(about: About): Promise<SketchNode> {
  const { person, surroundings, service, node, other, title, guess } = about;
  const name =
    node.name ??
    (guess === undefined ? undefined : await person.one(`A name for ${title}`, nodeName, guess));
  const reaching = service === undefined ? undefined : interfaceTo(surroundings, service);
  const device =
    node.interface ??
    (await person.one(
      `The interface of ${title} for the service`,
      interfaceName,
      other.interface?.value ?? reaching ?? surroundings.local[0]?.interface ?? "eth0",
    ));
  if (node.paths.length > 0) return { ...node, name, interface: device };
  const own =
    node.here === true && device !== undefined
      ? ownAddress(surroundings, device.value, other.paths[0]?.value ?? service)
      : undefined;
  const paths = await person.list(
    `The own address of ${title} on ${device?.value}; after a blank one on a second network`,
    ipAddress,
    own === undefined ? [] : [own],
  );
  return { ...node, name, interface: device, paths };
}

async function askLogs({ web }: Findings, person: Person): Promise<readonly Said[]> {
  const found = web.accessLogs.map(({ value }) => value);
  const proposed = found.length > 0 ? found : [usualLog];
  return await person.list("The web server's access_log", absolutePath, proposed);
}

/** Somebody who may mistype. */
class Person {
  readonly #terminal: Terminal;
  readonly #say: (line: string) => void;

  constructor(terminal: Terminal, say: (line: string) => void) {
    this.#terminal = terminal;
    this.#say = say;
  }

  /** Undefined where nothing was typed and nothing was proposed. */
  async one(what: string, format: Format<string>, proposed: string): Promise<Said | undefined> {
    for (;;) {
      const text = (await this.#ask(what, proposed)) || proposed;
      if (text === "") return undefined;
      const value = format.read(text);
      if (value !== undefined) return { value, origin: "" };
      this.#say(`  allowed is ${format.allowed}`);
    }
  }

  /** At least one, separated by blanks or commas. */
  async list(what: string, format: Format<string>, proposed: readonly string[]): Promise<Said[]> {
    for (;;) {
      const text = (await this.#ask(what, proposed.join(" "))) || proposed.join(" ");
      const words = text.split(/[\s,]+/).filter((word) => word !== "");
      const values = words.flatMap((word) => format.read(word) ?? []);
      if (values.length > 0 && values.length === words.length)
        return values.map((value) => ({ value, origin: "" }));
      this.#say(`  allowed is ${format.allowed}`);
    }
  }

  async #ask(what: string, proposed: string): Promise<string> {
    const brackets = proposed === "" ? "" : ` [${proposed}]`;
    return (await this.#terminal.question(`${what}${brackets}: `)).trim();
  }
}
