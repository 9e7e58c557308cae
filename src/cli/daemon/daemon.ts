import type { TellLevel } from "../../core/effect.ts";
import type { Order } from "../../core/event.ts";
import { now } from "../../linux/alarm-clock.ts";
import { drawSession, pairDigest } from "../../linux/hmac.ts";
import type { ServiceManager } from "../../linux/service-manager.ts";
import type { KeyRing } from "../../protocol/keys.ts";
import type { Configuration } from "../configuration/configuration.ts";
import type { Change } from "../configuration/difference.ts";
import { policyFor, sidesOf } from "../configuration/node-here.ts";
import type { Loaded } from "../configuration/load.ts";
import type { ControlServer } from "../control-server.ts";
import type { Hearing } from "../hearing.ts";
import { HistoryWriter } from "../history.ts";
import { Journal } from "../journal.ts";
import { type Log, logCommand } from "../logging.ts";
import type { Status } from "../status.ts";
import type { WaitingFound } from "../waiting-file.ts";
import { Heart, lateness } from "./heart.ts";
import { changedSettings, forgottenBy, hostOf, hostSettings, networkOf } from "./host-settings.ts";
import type { Found } from "./preparations.ts";
import { sayGoodbye, sayRestart } from "./farewell.ts";
import { InForce } from "./in-force.ts";
import { KeyReloads } from "./key-reloads.ts";
import { refusalOf, unknownNode } from "./order-refusal.ts";
import { hindranceOf, isWhole, Reloads } from "./reloads.ts";
import { StatusBook } from "./status-book.ts";
import { LinuxSteward } from "./steward.ts";
import type { TroubleBook } from "./trouble-book.ts";
import { WaitingSwaps } from "./waiting-swaps.ts";
import { verdictOn } from "./waiting-verdict.ts";

export interface DaemonOptions {
  /** To begin with. */
  readonly configuration: Configuration;
  /** Where it was read, and how it and the keys are read again beside a beating heart. */
  readonly file: string;
  readonly read: (file: string) => Promise<Loaded>;
  readonly node: string;
  readonly hearing: Hearing;
  readonly ring: KeyRing;
  readonly readKeys: () => Promise<KeyRing>;
  readonly found: Found;
  readonly bootId: string;
  readonly stateDirectory: string;
  readonly waiting: WaitingFound;
  /** What `failover check` calls failed here now; slow. */
  readonly check: (signal: AbortSignal) => Promise<readonly string[]>;
  /** Listening already: this is the one agent of the pair on this machine. */
  readonly control: ControlServer;
  /** Hears that the heart beats, and what this machine is. */
  readonly manager: ServiceManager;
  readonly log: Log;
  /** Of which the log's own are known already. */
  readonly troubles: TroubleBook;
}

/** A swap under way is drawn for whoever follows; more often than this nobody can read it. */
const updateMillis = 100;

/** A running agent: the heart, and around it everything that may be slow. */
export class Daemon implements AsyncDisposable {
  readonly #options: DaemonOptions;
  readonly #heart: Heart;
  readonly #book: StatusBook;
  readonly #journal: Journal;
  readonly #history: HistoryWriter;
  readonly #steward: LinuxSteward;
  readonly #reloads: Reloads;
  readonly #keyReloads: KeyReloads;
  readonly #inForce: InForce;
  readonly #waiting: WaitingSwaps;
  readonly #listeners = new Set<() => void>();
  #updating: NodeJS.Timeout | undefined;
  #journalIsStale = false;

  constructor(options: DaemonOptions) {
    const { configuration, node, hearing, found, ring, stateDirectory, log, troubles } = options;
    const inLog = troubles.listener(log.warning);
    const inHistory = troubles.listener((sentence) => this.#tell("warning", sentence));
    this.#options = options;
    this.#journal = new Journal({
      directory: stateDirectory,
      bootId: options.bootId,
      addresses: () => hostSettings(this.#inForce.configuration).addresses,
      routes: configuration.routes,
      report: troubles.reporter("journal", log.error),
    });
    this.#history = new HistoryWriter(stateDirectory, troubles.reporter("history", log.error));
    this.#inForce = new InForce({
      configuration,
      node,
      onCount: (count) => this.#steward.counted(count),
      report: (event) => this.#heart.tell(event),
      onTrouble: inLog,
    });
    this.#steward = new LinuxSteward({
      pair: configuration.pair,
      peers: sidesOf(configuration, node).peer.paths,
      inForce: this.#inForce,
      report: (event) => this.#heart.tell(event),
      tell: (level, sentence) => this.#tell(level, sentence),
      onTrouble: inHistory,
      journal: (entry) => this.#journal.write(entry),
    });
    this.#heart = new Heart({
      policy: policyFor(configuration, node, hearing.servicePaths),
      steward: this.#steward,
      start: found.start,
      protocol: { pair: pairDigest(configuration.pair), ring, session: drawSession() },
      network: { ...networkOf(configuration, node), onTrouble: inLog },
      host: {
        ...hostOf(configuration, node, hearing),
        onNotice: (sentence) => this.#tell("warning", sentence),
        onCommand: (line, script) => logCommand(log, line, script),
        onTrouble: inHistory,
        onAnnounced: (frames) => log.debug(() => `Announced the address with ${frames} frames`),
      },
      onTurn: () => this.#turned(),
      nextTurn: () => options.manager.due,
      onLate: (late, slept) => log.debug(() => lateness(late, slept)),
    });
    this.#book = new StatusBook({
      inForce: this.#inForce,
      startedAt: found.start.at,
      witnesses: () => this.#heart.host.witnesses,
      troubles: () => troubles.current,
      waiting: () => this.#waiting.list(),
    });
    this.#waiting = new WaitingSwaps({
      stateDirectory,
      found: options.waiting.swaps,
      check: options.check,
      judge: (target) => verdictOn(this.#status(), target),
      order: (order) => this.#order(order),
      tell: (level, sentence) => this.#tell(level, sentence),
      report: troubles.reporter("waiting", log.error),
      onChange: () => this.#notify(),
    });
    this.#reloads = new Reloads({
      file: options.file,
      read: options.read,
      inForce: () => this.#inForce.configuration,
      hindrance: () => hindranceOf(this.#heart.agent.state),
      remark: (sentence) => log.info(sentence),
      apply: (next, changes) => this.#apply(next, changes),
      tell: (level, sentence) => this.#tell(level, sentence),
      report: troubles.reporter("configuration"),
    });
    this.#keyReloads = new KeyReloads({
      read: options.readKeys,
      heart: this.#heart,
      tell: (level, sentence) => this.#tell(level, sentence),
      report: troubles.reporter("key"),
    });
  }

  async start(): Promise<void> {
    const { found, waiting, node, configuration, control } = this.#options;
    const lost = waiting.problem === undefined ? [] : [waiting.problem];
    for (const sentence of [...found.sentences, ...lost]) this.#tell("warning", sentence);
    this.#tell("info", `The agent of ${configuration.pair} on ${node} has started`);
    this.#heart.start(found.adopted);
    this.#waiting.start();
    control.serve({
      status: () => this.#status(),
      subscribe: (listener) => this.#subscribe(listener),
      order: (order) => this.#order(order),
      wait: (swap) => unknownNode(swap.node, configuration) ?? this.#waiting.add(swap),
      waiting: () => this.#waiting.list(),
      callOff: (id) => this.#waiting.callOff(id),
    });
    await this.#inForce.start();
  }

  /** Reads configuration and keys again, and puts in force what can be while the agent runs. */
  reload(): void {
    this.#reloads.ask();
    this.#keyReloads.ask();
  }

  /**
   * Lets the address go, says so to the peer, and resolves when both were done or took too long.
   */
  async leave(): Promise<void> {
    await sayGoodbye(this.#heart, this.#inForce.configuration);
    this.#tell("info", `The agent on ${this.#options.node} has stopped`);
  }

  /**
   * Ends for the agent that systemd starts next: a holder tells the peer and leaves a whole lease, in
   * which that one goes on holding. False: nothing is held, and a goodbye is better.
   */
  async stepAside(): Promise<boolean> {
    if (this.#heart.agent.state.role.kind !== "hold") return false;
    this.#tell("info", `The agent on ${this.#options.node} makes way for the next, and holds on`);
    // A slow disk is waited for while the heart still beats.
    await Promise.all([this.#journal.settled(), this.#history.settled()]);
    await sayRestart(this.#heart, this.#inForce.configuration);
    this.#heart.host.renew();
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#reloads.stop();
    this.#steward.stop();
    this.#heart.stop();
    await this.#waiting[Symbol.asyncDispose]();
    clearTimeout(this.#updating);
    await Promise.all([this.#journal.settled(), this.#history.settled()]);
    await this.#options.control[Symbol.asyncDispose]();
    await this.#inForce[Symbol.asyncDispose]();
  }

  /** Between two turns of the heart: nothing here waits. */
  #apply(configuration: Configuration, changes: readonly Change[]): void {
    const { node, hearing, log } = this.#options;
    const keys = new Set(changes.map(({ key }) => key));
    log.use(configuration.log);
    this.#inForce.use(configuration, keys);
    this.#journalIsStale ||= keys.has("address");
    this.#heart.host.use(changedSettings(configuration, keys));
    const policy = policyFor(configuration, node, hearing.servicePaths);
    this.#heart.usePolicy(policy, forgottenBy(keys));
    this.#notify();
  }

  #status(): Status {
    return this.#book.status(this.#heart.agent, now());
  }

  #order(order: Order): string | undefined {
    const { node } = this.#options;
    const { configuration } = this.#inForce;
    const refusal = refusalOf(order, this.#heart.agent.state, configuration, node);
    if (refusal !== undefined) return refusal;
    this.#tell(
      "info",
      `An operator asked: ${order.kind}${"node" in order ? ` ${order.node}` : ""}`,
    );
    this.#heart.tell({ kind: "operator-asked", order });
    return undefined;
  }

  #tell(level: TellLevel, sentence: string): void {
    this.#options.log[level](sentence);
    this.#book.tell(sentence);
    const { epoch } = this.#heart.agent.state;
    this.#history.append({ at: new Date().toISOString(), level, sentence, epoch });
  }

  #subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whoever follows is told soon, not in the middle of a turn: a status is much to write. */
  #turned(): void {
    const { manager, troubles, log } = this.#options;
    const { agent } = this.#heart;
    manager.alive(now());
    for (const sentence of troubles.forget()) log.info(`Over: ${sentence}`);
    const changed = this.#book.note(agent, now());
    if (changed) manager.status(this.#book.line(agent, now()));
    if (changed) this.#notify();
    this.#reloads.turned();
    if (!this.#journalIsStale || !isWhole(agent.state)) return;
    this.#journalIsStale = false;
    this.#journal.writeAgain();
  }

  #notify(): void {
    if (this.#listeners.size === 0) return;
    this.#updating ??= setTimeout(() => {
      this.#updating = undefined;
      for (const listener of this.#listeners) listener();
    }, updateMillis);
  }
}
