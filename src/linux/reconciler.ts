import type { AddressWish } from "../core/effect.ts";
import { after, elapsed, type Instant, latest, type Millis, millis } from "../core/time.ts";
import { type CommandListener, runNft } from "./command.ts";
import type { BatchResult, IpBatch } from "./ip-batch.ts";
import { muteScript, unmuteScript } from "./mute.ts";
import { ownAddresses, type Picture, presenceOf, type Scene } from "./picture.ts";
import { nextAddressCommands, nextSilentStep, type SilentStep } from "./plan.ts";
import type { Troubles } from "./troubles.ts";

export interface ReconcilerOptions {
  /** Asked at every step. */
  readonly scene: () => Scene;
  readonly leaseSeconds: () => number;
  readonly batch: IpBatch;
  readonly now: () => Instant;
  readonly onCommand: CommandListener;
  readonly troubles: Troubles;
  /** A command ended, however it did: look at the kernel, then step again. */
  readonly onStepDone: () => void;
}

/**
 * Brings the kernel to what is wished, one step at a time on each of two tracks. It keeps no
 * picture of its own and believes no command: every step begins with what was just seen, so
 * whatever happened meanwhile, and whoever did it, the next step is right.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #address: Track;
  readonly #silent: Track;
  #wishedAt: Instant;
  /** Of the command under way that adds the address. */
  #callOff: (() => void) | undefined;
  /** Since when the interface has the address. */
  #arrivedAt: Instant | undefined;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#wishedAt = options.now();
    this.#address = new Track(options.now, options.onStepDone);
    this.#silent = new Track(options.now, options.onStepDone);
  }

  /** A new wish is not held up by what the last one suffered; the next renewal shows how it fares. */
  forgive(): void {
    this.#options.troubles.mended("renewal");
    this.#wishedAt = this.#options.now();
    this.#address.forgive();
    this.#silent.forgive();
  }

  /** Nothing of ours is under way: what is gone from the kernel stays gone. */
  get isIdle(): boolean {
    return !this.#address.busy && !this.#silent.busy;
  }

  /**
   * Commands of ours for the leased address are under way: the kernel changes because we said so.
   */
  get changingAddress(): boolean {
    return this.#address.busy;
  }

  /** Starts the next steps; tells which side of the wish the picture shows fulfilled. */
  step(
    wish: AddressWish,
    picture: Picture,
  ): { readonly address: boolean; readonly silent: boolean } {
    const scene = this.#options.scene();
    const leaseSeconds = this.#options.leaseSeconds();
    const waited = elapsed(this.#wishedAt, this.#options.now());
    const patient = waited < silencePatience && !this.#silent.failing;
    const lines = nextAddressCommands(scene, wish, picture, leaseSeconds, patient);
    // An `ip` that is slow would add it when another machine has it.
    if (wish.address === "absent") this.#callOff?.();
    if (lines.length > 0)
      this.#address.begin((done) => {
        const callOff = this.#runIp("address", lines, done);
        this.#callOff = wish.address === "present" ? callOff : undefined;
      });
    else if (!this.#address.busy) this.#options.troubles.mended("address");
    const settled = this.#hasSettled(scene, picture);
    const step = nextSilentStep(scene, wish, picture, settled);
    if (step !== undefined) this.#silent.begin((done) => this.#runSilent(step, picture, done));
    else if (!this.#silent.busy) this.#silentIsWell();
    return {
      address: lines.length === 0 && !this.#address.busy,
      silent: step === undefined && !this.#silent.busy && settled,
    };
  }

  #silentIsWell(): void {
    this.#options.troubles.mended("silence");
    this.#options.troubles.mended("mute");
  }

  /** The keeper looks once a second, so nothing has to wake it for this. */
  #hasSettled(scene: Scene, picture: Picture): boolean {
    const there = presenceOf(scene.addresses, picture.service) === "all";
    this.#arrivedAt = there ? (this.#arrivedAt ?? this.#options.now()) : undefined;
    return (
      this.#arrivedAt === undefined || elapsed(this.#arrivedAt, this.#options.now()) >= settling
    );
  }

  stop(): void {
    this.#address.stop();
    this.#silent.stop();
  }

  #runIp(topic: string, lines: readonly string[], done: (well: boolean) => void): () => void {
    return this.#options.batch.run(lines, (result) => {
      this.#judge(topic, lines, result);
      done(result.kind === "done" || result.kind === "called-off");
    });
  }

  #judge(topic: string, lines: readonly string[], result: BatchResult): void {
    const { troubles } = this.#options;
    if (result.kind === "done") {
      troubles.mended(topic);
    } else if (result.kind === "failed") {
      troubles.say(topic, result.reasons.join("; "));
    } else if (result.kind === "killed") {
      const what = `Cannot tell whether ip ${lines[0]} was carried out`;
      troubles.say(topic, `${what}: ${result.reason}; looking, and going on`);
    }
  }

  #runSilent(step: SilentStep, picture: Picture, done: (well: boolean) => void): void {
    if (step.kind === "commands") {
      this.#runIp("silence", step.lines, done);
      return;
    }
    const scene = this.#options.scene();
    const own = ownAddresses(scene, picture).find(({ address }) => address.family === 4)?.address;
    const [script, what] =
      step.kind === "mute"
        ? [muteScript(scene.muteTable, scene.addresses, own), "mute the silent address"]
        : [unmuteScript(scene.muteTable), "end the mute"];
    void this.#runNft(script, what, done);
  }

  async #runNft(script: string, what: string, done: (well: boolean) => void): Promise<void> {
    const { onCommand } = this.#options;
    const result = await runNft(script, { what, onCommand, timeoutMillis: nftPatienceMillis });
    if (result.kind === "done") this.#options.troubles.mended("mute");
    else this.#options.troubles.say("mute", result.reason);
    done(result.kind === "done");
  }
}

/** The mute is waited for by the departure of the address, which another machine has by then. */
const silencePatience = millis(500);

/** From when the interface shows the address to when lo may be left. */
const settling = millis(1000);

/** It takes some 15 ms; a machine on which it takes this long has other troubles. */
const nftPatienceMillis = 5000;

/** Ten repairs at once, then one a second: enough against an accident, too little for a storm. */
const repairsAtOnce = 10;
const repairEvery = millis(1000);

/**
 * One thing at a time, and never in a spin: neither against a command that fails nor in a fight.
 */
class Track {
  readonly #now: () => Instant;
  readonly #onStepDone: () => void;
  busy = false;
  #repairs = repairsAtOnce;
  #countedAt: Instant;
  #notBefore: Instant;
  #failedBefore = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(now: () => Instant, onStepDone: () => void) {
    this.#now = now;
    this.#onStepDone = onStepDone;
    this.#countedAt = now();
    this.#notBefore = now();
  }

  begin(act: (done: (well: boolean) => void) => void): void {
    if (this.busy) return;
    const wait = this.#wait();
    if (wait > 0) {
      this.#tryAgainIn(wait);
      return;
    }
    this.#repairs -= 1;
    this.busy = true;
    act((well) => {
      this.busy = false;
      // The first failure may be the last command's shadow; the second is a fact that will stay a
      // while.
      this.#notBefore = after(this.#now(), well || !this.#failedBefore ? millis(0) : repairEvery);
      this.#failedBefore = !well;
      this.#onStepDone();
    });
  }

  get failing(): boolean {
    return this.#failedBefore;
  }

  forgive(): void {
    this.#repairs = repairsAtOnce;
    this.#failedBefore = false;
    this.#notBefore = this.#now();
  }

  stop(): void {
    clearTimeout(this.#retry);
  }

  #wait(): Millis {
    const current = this.#now();
    const earned = Math.floor(elapsed(this.#countedAt, current) / repairEvery);
    if (earned > 0) {
      this.#repairs = Math.min(repairsAtOnce, this.#repairs + earned);
      this.#countedAt = current;
    }
    const free = this.#repairs > 0 ? current : after(this.#countedAt, repairEvery);
    return elapsed(current, latest(current, free, this.#notBefore));
  }

  #tryAgainIn(wait: Millis): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(this.#onStepDone, Math.ceil(wait));
  }
}
