import type { MacAddress } from "../../core/beat.ts";
import { counted } from "../../core/counted.ts";
import { type Diversion, type Flow, noDiversion } from "../../core/diversion.ts";
import { type CommandListener, runNft } from "../command.ts";
import type { IpAddress } from "../ip-address.ts";
import { NetlinkSocket } from "../netlink-socket.ts";
import { reasonOf, type Troubles } from "../troubles.ts";
import {
  changeScript,
  isKnown,
  keepCommands,
  type Load,
  purposeWords,
  type Step,
  same,
} from "./change.ts";
import { poke } from "./poke.ts";
import { forgetScript, type Purpose, pickScript, removeScript, type Scene } from "./rules.ts";
import { listDivertedFlows } from "./stragglers.ts";

export interface DiverterOptions {
  readonly table: string;
  readonly device: string;
  /** Of the device; empty while it is gone: then nothing is loaded until it is back. */
  readonly ownMac: () => MacAddress;
  /** Asked for every script: another list is for the next table, not for the one that is there. */
  readonly addresses: () => readonly IpAddress[];
  /** What is in the kernel now, seen after nft succeeded; also when it was there already. */
  readonly onDiverted: (diversion: Diversion) => void;
  /** The list of the last `keep` is in the kernel, all of it. */
  readonly onKept: (flows: readonly Flow[]) => void;
  readonly onCommand: CommandListener;
  readonly troubles: Troubles;
}

/** 50,000 flows take half a second where nothing else runs. */
const nftPatienceMillis = 10_000;
const retryMillis = 1000;
/** A firewall that is reloaded often empties all tables; nobody tells. */
const lookEveryMillis = 250;

/**
 * Brings the table of the diversion to what is wished: one nft at a time, the newest wish wins. What an
 * earlier agent left is taken over with the connections that it knows; where it cannot be, it is replaced.
 */
export class Diverter {
  readonly #options: DiverterOptions;
  readonly #netfilter = new NetlinkSocket("netfilter");
  #wish: Purpose = { diversion: noDiversion, arrivalsFrom: undefined };
  /** Undefined: whatever list is in the kernel stays there. */
  #keep: readonly Flow[] | undefined;
  /** As far as is known: `unknown` at the start, and after an nft that failed. */
  #loaded: Load | "nothing" | "unknown" = "unknown";
  #loadedKeep: readonly Flow[] | undefined;
  /** The list as commands. */
  #elements: { readonly of: readonly Flow[]; readonly lines: readonly string[] } | undefined;
  #told: string | undefined;
  #abandoning = false;
  #forgetting = false;
  /** What an earlier agent left was refused so often: by the second time it is replaced. */
  #refusals: number | "taken over" = 0;
  #working = false;
  #pausing = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DiverterOptions) {
    this.#options = options;
  }

  /** `arrivalsFrom`: the other machine's MAC, to record which clients come from there. */
  reconcile(diversion: Diversion, arrivalsFrom?: MacAddress): void {
    if (diversion.kind === "none" && this.#wish.diversion.kind !== "none") this.#keep = undefined;
    const wish = { diversion, arrivalsFrom };
    // The same wish again does not end the pause after a failure: it comes several times a second.
    if (JSON.stringify(wish) !== JSON.stringify(this.#wish)) this.#pausing = false;
    this.#wish = wish;
    void this.#work();
  }

  /**
   * The list for `all-but-kept` and `kept`, in place of any before; it may come before the wish. It is
   * forgotten when the diversion ends, or for an empty one.
   */
  keep(flows: readonly Flow[]): void {
    this.#keep = flows;
    this.#pausing = false;
    void this.#work();
  }

  /** Stragglers are counted anew: before the address had moved there were none. */
  forgetStragglers(): void {
    this.#forgetting = true;
    void this.#work();
  }

  /**
   * The other machine is dead: its new connections come home at once, then the table goes, and clients
   * that wait for it are told. Needs the address on this machine, and leaves the wish at `none`.
   */
  abandon(): void {
    this.#abandoning = true;
    this.#pausing = false;
    this.reconcile(noDiversion);
  }

  /** Leaves the kernel as it is: whoever starts next takes it over. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#netfilter.close();
  }

  async #work(): Promise<void> {
    if (this.#working || this.#pausing || this.#stopped) return;
    this.#working = true;
    let done = true;
    while (done && !this.#stopped) {
      if (this.#abandoning) {
        done = await this.#abandon();
        continue;
      }
      await this.#prepareKeep();
      if (this.#stopped) return;
      if (this.#abandoning) continue;
      const step = this.#next();
      if (step === undefined) break;
      done = await this.#nft(step);
      if (done) step.done();
    }
    this.#working = false;
    this.#pausing = !done;
    if (!this.#stopped && !this.#isRest) {
      this.#timer ??= setTimeout(() => this.#look(), done ? lookEveryMillis : retryMillis);
    }
  }

  /** What is to be done now, if anything. */
  #next(): Step | undefined {
    const { table, ownMac } = this.#options;
    if (!this.#isWanted) return this.#nextOfNothing();
    this.#noticeRemoval();
    const loaded = this.#loaded;
    const aim = { ...this.#wish, ownMac: ownMac() };
    if (!isKnown(aim)) return undefined;
    const scene = this.#scene(aim.ownMac);
    const settled = typeof loaded === "object" && same(loaded, aim);
    const keep = this.#elements?.of;
    const kept = this.#loadedKeep === keep;
    if (settled && kept) {
      if (!this.#forgetting) return undefined;
      const done = () => {
        this.#forgetting = false;
      };
      return { script: forgetScript(scene), what: "forget who came until now", done };
    }
    const ended = typeof loaded === "object" && loaded.diversion.kind !== "none";
    const refused = this.#refusals !== "taken over" && this.#refusals >= 2;
    const afresh = refused || (ended && aim.diversion.kind === "none");
    const listed = keep !== undefined && (afresh || !kept);
    const size = keep?.length ?? 0;
    const connections = counted(size, "connection");
    const script = (elements: readonly string[]): string =>
      changeScript(scene, { loaded, aim, afresh, elements: listed ? elements : undefined });
    return {
      script: script(this.#elements?.lines ?? []),
      what: settled && !afresh ? `note ${connections}` : purposeWords(aim, size),
      shown: script([`# add element netdev ${table} keep: ${connections}`]),
      done: () => this.#loadedIs(aim, keep),
    };
  }

  /** The list may change while its commands are written. */
  async #prepareKeep(): Promise<void> {
    while (this.#elements?.of !== this.#keep) {
      const of = this.#keep;
      this.#elements = of && { of, lines: await keepCommands(this.#scene(""), of) };
    }
  }

  #nextOfNothing(): Step | undefined {
    const { table } = this.#options;
    this.#forgetting = false;
    // nft is not asked for where there is nothing: it may not be installed.
    const absent = this.#loaded === "nothing" || !this.#netfilter.table("netdev", table);
    if (!absent) return { ...this.#removal, done: () => this.#gone() };
    this.#gone();
    return undefined;
  }

  #loadedIs(load: Load, keep: readonly Flow[] | undefined): void {
    this.#loaded = load;
    this.#refusals = "taken over";
    this.#tell(load.diversion);
    if (keep !== undefined && keep !== this.#loadedKeep) this.#options.onKept(keep);
    this.#loadedKeep = keep;
  }

  #gone(): void {
    this.#loaded = "nothing";
    this.#loadedKeep = undefined;
    if (this.#isWanted) return;
    this.#options.troubles.mended("diversion");
    this.#tell(noDiversion);
  }

  async #abandon(): Promise<boolean> {
    const { table } = this.#options;
    const loaded = this.#loaded;
    if (typeof loaded === "object" && loaded.diversion.kind === "share") {
      const home = { ...loaded.diversion, share: 0, testers: [] };
      // Not yet the end: while the list is read, new connections would be lost.
      const script = pickScript(this.#scene(loaded.ownMac), home);
      await this.#nft({ script, what: purposeWords({ ...loaded, diversion: home }, 0) });
    }
    const failed = (error: unknown): readonly Flow[] => {
      this.#options.troubles.happened("poke", reasonOf(error));
      return [];
    };
    const handsBack = typeof loaded === "object" && loaded.diversion.kind === "kept";
    const flows = await listDivertedFlows(table, handsBack ? "keep" : "moved").catch(failed);
    if (this.#stopped) return false;
    const there = this.#netfilter.table("netdev", table);
    if (there && !(await this.#nft(this.#removal))) return false;
    this.#abandoning = false;
    this.#gone();
    await poke(flows).catch(failed);
    return true;
  }

  async #nft({ script, ...words }: Omit<Step, "done">): Promise<boolean> {
    const { onCommand } = this.#options;
    const result = await runNft(script, { ...words, timeoutMillis: nftPatienceMillis, onCommand });
    if (result.kind === "done") {
      this.#options.troubles.mended("diversion");
      return true;
    }
    // One that was killed may have done it all the same.
    this.#loaded = "unknown";
    this.#loadedKeep = undefined;
    if (this.#refusals !== "taken over") this.#refusals += 1;
    this.#options.troubles.say("diversion", result.reason);
    return false;
  }

  #look(): void {
    this.#timer = undefined;
    this.#pausing = false;
    void this.#work();
  }

  /** Before every change, and never during one: what is gone then may be gone by our own hand. */
  #noticeRemoval(): void {
    const { table, troubles } = this.#options;
    if (typeof this.#loaded !== "object" || this.#netfilter.chain(table, "in")) return;
    const sentence = `The table netdev ${table} was removed by somebody else: it is put back`;
    troubles.happened("table", sentence);
    this.#gone();
  }

  #tell(diversion: Diversion): void {
    const text = JSON.stringify(diversion);
    if (text === this.#told) return;
    this.#told = text;
    this.#options.onDiverted(diversion);
  }

  #scene(ownMac: MacAddress): Scene {
    const { table, device, addresses } = this.#options;
    return { table, device, addresses: addresses(), ownMac };
  }

  get #isWanted(): boolean {
    const { diversion, arrivalsFrom } = this.#wish;
    // An empty list alone needs no table.
    const keeps = this.#keep !== undefined && this.#keep.length > 0;
    return diversion.kind !== "none" || arrivalsFrom !== undefined || keeps;
  }

  get #removal(): Omit<Step, "done"> {
    return { script: removeScript(this.#options.table), what: "pass nothing on any more" };
  }

  get #isRest(): boolean {
    return this.#loaded === "nothing" && !this.#isWanted && !this.#abandoning;
  }
}
