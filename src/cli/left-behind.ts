import { localAddresses } from "../linux/network-facts.ts";
import { configurationAt, pairWithout, type Whereabouts } from "./agent-access.ts";
import type { Configuration } from "./configuration/configuration.ts";
import { Failure } from "./failure.ts";
import { readJournal } from "./journal.ts";
import { stateDirectory } from "./places.ts";

/** What an agent may have put into the kernel. */
export interface LeftBehind {
  readonly pair: string;
  readonly addresses: readonly string[];
  /** In ip-route's notation. */
  readonly routes: readonly string[];
  /** The service's own interface, where it is taken over. */
  readonly link: string | undefined;
  /** Where this is known from, when it is not the configuration. */
  readonly instead: string | undefined;
}

/**
 * What the configuration says, and where that cannot be read, what the agent wrote down itself: a file
 * that was spoilt while the agent ran must not keep the address on a machine that has let go. Throws the
 * configuration's own Failure where it is not even told which pair is meant.
 */
export async function leftBehind(where: Whereabouts): Promise<LeftBehind> {
  try {
    const configuration = await configurationAt(where);
    const { pair, routes } = configuration;
    const addresses = configuration.addresses.map(({ address }) => address);
    const link = configuration.takeover === "link" ? await linkOf(configuration) : undefined;
    return { pair, addresses, routes, link, instead: undefined };
  } catch (error) {
    const pair = error instanceof Failure ? await pairWithout(where) : undefined;
    if (!(error instanceof Failure) || pair === undefined) throw error;
    const found = await remembered(where.stateDir ?? stateDirectory(pair), error);
    return { pair, link: undefined, ...found };
  }
}

/** Undefined where it is not known which of the two this machine is: the address goes all the same. */
async function linkOf(configuration: Configuration): Promise<string | undefined> {
  const { nodeHere, sidesOf } = await import("./configuration/node-here.ts");
  const local = (await localAddresses()).map(({ address }) => address);
  try {
    return sidesOf(configuration, nodeHere(configuration, local)).here.interface;
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

async function remembered(
  directory: string,
  { message }: Failure,
): Promise<Pick<LeftBehind, "addresses" | "routes" | "instead">> {
  const found = await readJournal(directory).catch((error: unknown) => {
    if (!(error instanceof Failure)) throw error;
    return { kind: "none", reason: error.message } as const;
  });
  if (found.kind === "found") {
    const instead = `${message}\nInstead the journal in ${directory} is believed`;
    const { addresses, routes } = found.record;
    return { addresses, routes, instead };
  }
  const missing = found.reason ?? `There is no journal in ${directory}`;
  return {
    addresses: [],
    routes: [],
    instead: `${message}\n${missing}: only tables are looked for, and an address may stay`,
  };
}
