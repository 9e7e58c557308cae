import { ClientLoad } from "./client-load.ts";
import type { Lab } from "./lab.ts";
import type { Narrator } from "./narrator.ts";
import { doubleAnswers, NeighbourWatch } from "./neighbour-watch.ts";
import { type MachineName, machineNames, serviceAddress, serviceAddress6 } from "./network.ts";
import { begunIn, changeover, longestSilence, type Sample, type Span } from "./samples.ts";
import { drawTimeline } from "./timeline.ts";
import { now, pause, until } from "./wait.ts";

/** The client's patience with one request. Longer than the second after which TCP repeats a lost SYN. */
const requestMillisMax = 2000;
/** From the taking of the address to the other's letting go of it, on a busy machine. */
const moveMillisMax = 1000;

/** What came of one scene. */
export interface SceneResult {
  readonly title: string;
  /** Milliseconds; undefined where the client never got an answer again. */
  readonly outage: number | undefined;
  /** Requests of the client that ended in an error. */
  readonly failed: number;
  readonly requests: number;
  /** Expectations and laws that did not hold, as sentences. */
  readonly broken: readonly string[];
}

/** The lab with its client and its observer running, and the scene that is being played. */
export class Stage implements AsyncDisposable {
  readonly lab: Lab;
  readonly narrator: Narrator;
  readonly #client: ClientLoad;
  readonly #watch: NeighbourWatch;
  #start = now();
  #broken: string[] = [];

  private constructor(lab: Lab, narrator: Narrator, client: ClientLoad, watch: NeighbourWatch) {
    this.lab = lab;
    this.narrator = narrator;
    this.#client = client;
    this.#watch = watch;
  }

  static async open(lab: Lab, narrator: Narrator): Promise<Stage> {
    const [client, watch] = await Promise.all([
      ClientLoad.start(lab.client, {
        address: serviceAddress,
        mode: "http",
        perSecond: 200,
        timeout: requestMillisMax,
      }),
      NeighbourWatch.start(lab.observer, [serviceAddress, serviceAddress6]),
    ]);
    return new Stage(lab, narrator, client, watch);
  }

  /** From here on the scene is measured. Answers with the time. */
  begin(): number {
    this.#start = now();
    this.#broken = [];
    return this.#start;
  }

  /** Types a command on a machine, shows it and what it printed, and checks its exit code. */
  async type(machine: MachineName, words: readonly string[], expectedCode: number): Promise<void> {
    this.narrator.typed(machine, ["failover", ...words].join(" "));
    const result = await this.lab.agents[machine].failover(...words);
    this.narrator.quoted(`${result.stdout}\n${result.stderr}`);
    const said = `failover ${words.join(" ")} ended with exit code ${result.code}`;
    if (result.code !== expectedCode) this.#broken.push(`${said}, not ${expectedCode}`);
  }

  /** Resolves when this machine alone has the address and the client hears it. */
  async served(by: MachineName, within: number): Promise<void> {
    const since = now();
    await this.lab.untilHeldBy(by, { within });
    const heard = (): boolean => this.#lastAnswer(since)?.who === by;
    await until(`the client is answered by ${by}`, heard, { within: 5000 });
  }

  /** Resolves when every request that was under way has been answered, or has failed. */
  async settled(): Promise<void> {
    await pause(requestMillisMax + 100);
  }

  /** Says so when an expectation does not hold; the practice goes on, and ends with a failure. */
  check(holds: boolean, sentence: string): void {
    if (!holds) this.#broken.push(sentence);
  }

  /**
   * Draws what the client saw since `begin`, looks after the laws, and tells the result. `handedOver`: in its
   * move both machines answer for a moment, and both lead to the same server.
   */
  async end(
    title: string,
    holder: MachineName,
    moved?: readonly [string, string],
    handedOver = false,
  ): Promise<SceneResult> {
    const span = { from: this.#start, to: now() };
    // What the client and the observer saw last is on its way for at most 50 ms.
    await pause(100);
    const samples = this.#client.samples;
    const silence =
      moved === undefined
        ? longestSilence(samples, span)
        : (changeover(samples, moved[0], moved[1], span) ?? longestSilence(samples, span));
    const outage = silence.after === undefined && silence.millis > 100 ? undefined : silence.millis;
    this.#draw(samples, span, silence.start, outage);
    await this.#lookAfterLaws(span, holder, handedOver ? moveMillisMax : 0);
    const begun = begunIn(samples, span);
    const failed = begun.filter(({ kind }) => kind === "failure").length;
    for (const sentence of this.#broken) this.narrator.verdict(false, sentence);
    if (this.#broken.length === 0) this.narrator.verdict(true, `${holder} serves, and it alone`);
    return { title, outage, failed, requests: begun.length, broken: this.#broken };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#client[Symbol.asyncDispose](), this.#watch[Symbol.asyncDispose]()]);
  }

  /** The span around the silence, so that it fills a part of the line that can be seen. */
  #draw(
    samples: readonly Sample[],
    span: Span,
    silentAt: number,
    outage: number | undefined,
  ): void {
    const margin = Math.max(300, (outage ?? 1000) * 0.75);
    const shown = {
      from: Math.max(span.from - 200, silentAt - margin),
      to: Math.min(span.to, silentAt + (outage ?? span.to) + margin),
    };
    const line = drawTimeline(samples, shown, {
      unicode: this.narrator.unicode,
      machines: machineNames,
    });
    const seconds = ((shown.to - shown.from) / 1000).toFixed(1);
    this.narrator.timeline(`${line}   (${seconds} s)`);
    this.narrator.happened(
      outage === undefined
        ? "the client got no answer any more"
        : `the client waited ${Math.round(outage)} ms at most for the next answer`,
    );
  }

  async #lookAfterLaws(span: Span, holder: MachineName, togetherMax: number): Promise<void> {
    const doubles = doubleAnswers(this.#watch.samples, span);
    const together = (doubles.at(-1)?.at ?? 0) - (doubles[0]?.at ?? 0);
    this.check(
      togetherMax === 0 ? doubles.length === 0 : together <= togetherMax,
      `both machines answered for the address at ${doubles.length} of the instants looked at`,
    );
    const holders = await this.lab.holders();
    this.check(
      holders.join() === holder,
      `the address is on ${holders.join(" and ") || "no machine"}, and should be on ${holder}`,
    );
    const who = this.#lastAnswer(span.to - 1000)?.who ?? "nobody";
    this.check(who === holder, `the client is answered by ${who}, and should be by ${holder}`);
  }

  #lastAnswer(since: number): { readonly who: string } | undefined {
    const last = this.#client.samples.findLast(({ kind, at }) => kind === "answer" && at > since);
    return last?.kind === "answer" ? last : undefined;
  }
}
