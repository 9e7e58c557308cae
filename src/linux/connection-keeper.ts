import type { Report } from "../agent/ports.ts";
import type { HandoverId, MacAddress } from "../core/beat.ts";
import { counted } from "../core/counted.ts";
import type { Flow } from "../core/diversion.ts";
import type { Wish } from "../core/effect.ts";
import { type CommandListener, commandLine, runCommand } from "./command.ts";
import { countConnections, listConnections } from "./diversion/connections-list.ts";
import { Diverter } from "./diversion/diverter.ts";
import { listStragglers, type Straggler } from "./diversion/stragglers.ts";
import type { IpAddress } from "./ip-address.ts";
import { reasonOf, type Troubles } from "./troubles.ts";

export interface ConnectionKeeperOptions {
  readonly table: string;
  readonly device: string;
  readonly ownMac: () => MacAddress;
  readonly addresses: readonly IpAddress[];
  readonly report: Report;
  /** Tells one neighbour that the addresses are at `holder`. */
  readonly correct: (neighbour: MacAddress, holder: MacAddress) => void;
  readonly onCommand: CommandListener;
  readonly troubles: Troubles;
  /** What an administrator should read: who is left, who is cut. */
  readonly onNotice: (sentence: string) => void;
}

/** Of `ss`: every TCP connection to the address ends with a reset. */
export const endArguments = (address: string): readonly string[] => [
  "--kill",
  "--tcp",
  "--no-header",
  "src",
  address,
];

const countEveryMillis = 250;
/** With tens of thousands of connections counting takes a while: a tenth of the time, and no more. */
const countShare = 9;
/** Longer than a browser's pauses on a page, shorter than anybody's patience with "not safe yet". */
const stragglerMillis = 10_000;
/** Above Linux's neighbour `locktime` of 1 s, within which a second change is ignored. */
const correctEveryMillis = 1100;
const cutPatienceMillis = 5000;
/** A crowd of stragglers is a router or a switch, and is not named one by one. */
const namedAtMost = 20;

/**
 * Connections in a handover: which are passed on, which stay, how many are left and who still comes here by
 * an old neighbour entry. Like the address keeper it decides nothing and reports what it saw.
 */
export class ConnectionKeeper {
  readonly #options: ConnectionKeeperOptions;
  #addresses: readonly IpAddress[];
  readonly #diverter: Diverter;
  readonly #named = new Set<string>();
  #wish: Pick<Wish, "diversion" | "silent" | "address"> | undefined;
  /** What waits for the list to be in the kernel. */
  #listed: (() => void) | undefined;
  #correctedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: ConnectionKeeperOptions) {
    const { table, device, ownMac, addresses, onCommand, troubles, report } = options;
    this.#options = options;
    this.#addresses = addresses;
    this.#diverter = new Diverter({
      table,
      device,
      ownMac,
      addresses: () => this.#addresses,
      onCommand,
      troubles,
      onDiverted: (diversion) => report({ kind: "diversion-observed", diversion }),
      onKept: () => this.#kept(),
    });
  }

  /** Between two handovers: what is in the kernel for one is for the addresses that it began with. */
  useAddresses(addresses: readonly IpAddress[]): void {
    this.#addresses = addresses;
  }

  reconcile({ diversion, silent, address }: Wish): void {
    const before = this.#wish;
    this.#wish = { diversion, silent, address };
    const leaving = address === "absent" && before?.address === "present";
    if (leaving && diversion.kind === "all-but-kept") this.#diverter.forgetStragglers();
    if (diversion.kind !== "reset")
      this.#diverter.reconcile(diversion, diversion.kind === "kept" ? diversion.to : undefined);
    else if (before?.diversion.kind !== "reset") this.#diverter.abandon();
    if (this.#counts && this.#timer === undefined) this.#countSoon();
    if (!this.#counts) this.#named.clear();
  }

  /** Lists what ends here, and has the kernel keep it; answered when it does. */
  async listKept(id: HandoverId): Promise<void> {
    try {
      const flows = await listConnections(this.#addresses);
      this.#listed = () => this.#options.report({ kind: "kept-listed", id, flows });
      this.#diverter.keep(flows);
    } catch (error) {
      const sentence = `Cannot list the open connections: ${reasonOf(error)}`;
      this.#options.troubles.happened("list of connections", sentence);
    }
  }

  placeKept(id: HandoverId, flows: readonly Flow[]): void {
    this.#listed = () => this.#options.report({ kind: "kept-placed", id });
    this.#diverter.keep(flows);
  }

  /** Names whose connections they are, and ends them with a reset while the address is still here. */
  async cutKept(): Promise<void> {
    const { onCommand, troubles, onNotice } = this.#options;
    const addresses = this.#addresses;
    try {
      const { total, clients } = await countConnections(addresses);
      const whose = clients.map(({ client, count }) => `${count} of ${client}`).join(", ");
      if (total > 0) onNotice(`Ending ${counted(total, "connection")} still open: ${whose}`);
    } catch (error) {
      const sentence = `Cannot tell whose connections are ended: ${reasonOf(error)}`;
      troubles.happened("owners of connections", sentence);
    }
    for (const { text, family } of addresses) {
      const args = endArguments(family === 6 ? `[${text}]` : text);
      onCommand(commandLine("ss", args));
      const result = await runCommand("ss", args, cutPatienceMillis);
      if (result.kind === "failed") troubles.happened("end of connections", result.reason);
    }
  }

  /** Leaves the kernel as it is: whoever starts next goes on with it. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#diverter.stop();
  }

  get #counts(): boolean {
    const { diversion, silent } = this.#wish ?? {};
    return silent === "present" || (diversion !== undefined && diversion.kind !== "none");
  }

  #kept(): void {
    const listed = this.#listed;
    this.#listed = undefined;
    listed?.();
  }

  #countSoon(took = 0): void {
    clearTimeout(this.#timer);
    const wait = Math.max(countEveryMillis, took * countShare);
    this.#timer = setTimeout(() => void this.#count(), wait);
  }

  async #count(): Promise<void> {
    if (this.#stopped || !this.#counts) {
      this.#timer = undefined;
      this.#options.troubles.mended("count of connections");
      return;
    }
    const { report, troubles } = this.#options;
    const began = performance.now();
    try {
      const { total: connections } = await countConnections(this.#addresses);
      const stragglers = await this.#stragglers();
      troubles.mended("count of connections");
      if (!this.#stopped) report({ kind: "connections-counted", connections, stragglers });
    } catch (error) {
      const sentence = `Cannot count the open connections: ${reasonOf(error)}`;
      if (!this.#stopped) troubles.say("count of connections", sentence);
    }
    if (!this.#stopped) this.#countSoon(performance.now() - began);
  }

  /** How many there are, after naming the new ones and telling all of them where the address is. */
  async #stragglers(): Promise<number> {
    const { table } = this.#options;
    const { diversion, address } = this.#wish ?? {};
    if (diversion?.kind !== "all-but-kept" || address === "present") return 0;
    const seen = (await listStragglers(table)).filter(
      ({ silentFor }) => silentFor < stragglerMillis,
    );
    for (const straggler of seen) this.#name(straggler);
    this.#correct(seen, diversion.to);
    return seen.length;
  }

  #name({ client, mac }: Straggler): void {
    const who = `${client} ${mac}`;
    if (this.#named.has(who) || this.#named.size >= namedAtMost) return;
    this.#named.add(who);
    this.#options.onNotice(
      `${client} still sends here, by way of ${mac}: its neighbour entry is old, and it is told`,
    );
  }

  #correct(stragglers: readonly Straggler[], holder: MacAddress): void {
    const now = performance.now();
    if (now - this.#correctedAt < correctEveryMillis) return;
    this.#correctedAt = now;
    const fresh = stragglers.filter(({ silentFor }) => silentFor < correctEveryMillis);
    for (const mac of new Set(fresh.map((one) => one.mac))) this.#options.correct(mac, holder);
  }
}
