import { elapsed, type Instant, millis } from "../core/time.ts";
import type { BatchResult, IpBatch } from "./ip-batch.ts";
import { marked, type Place, placeOf, readOwnRoutes } from "./own-routes.ts";
import type { Troubles } from "./troubles.ts";

export interface RoutesOptions {
  /** In ip-route's notation. */
  readonly routes: readonly string[];
  /** The address's own, so that what is asked for first happens first. */
  readonly batch: IpBatch;
  readonly now: () => Instant;
  readonly troubles: Troubles;
}

/** The kernel says nothing of a route that goes with its interface. */
const readEveryMillis = 5000;
/** A command that is refused costs `ip` its life, and there may be repairs of the address to do. */
const refusedRest = millis(30_000);

/**
 * The routes that come after the address and go before it. What is there is read from the kernel again and
 * again; what is ours has our mark, so that a route of the machine's own is neither replaced nor removed.
 */
export class Routes {
  readonly #options: RoutesOptions;
  /** The places of our routes as last read, and what was done since; undefined before the first reading. */
  #there: Set<Place> | undefined;
  #wanted: boolean | undefined;
  #ready = false;
  #busy = false;
  #jobs = 0;
  #refusedAt: Instant | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: RoutesOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#options.routes.length === 0) return;
    // Where they are not wanted and are known to be gone, nobody but we would put them there.
    this.#timer = setInterval(() => {
      if (this.#wanted !== false || this.#there === undefined) this.#read();
    }, readEveryMillis);
    this.#read();
  }

  /** Wished no more, they go before whatever is asked of `ip` next. */
  reconcile(wanted: boolean): void {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    this.#refusedAt = undefined;
    // What may have gone with the interface is read first: a refused command would hold the address up.
    if (!wanted && !this.#ready && this.#there !== undefined) {
      this.#there = undefined;
      this.#read();
    }
    this.#settle();
  }

  /** `ready`: the address is there, on an interface that is up. */
  look(ready: boolean): void {
    const came = ready && !this.#ready;
    this.#ready = ready;
    // What was there may have gone with the interface.
    if (came && this.#options.routes.length > 0) this.#read();
    this.#settle();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  #read(): void {
    const jobs = this.#jobs;
    void readOwnRoutes(this.#options.routes).then((found) => {
      // What was read beside a job of ours may be of before or of after it.
      if (this.#stopped || this.#busy || jobs !== this.#jobs) return;
      const { troubles } = this.#options;
      if (typeof found === "string") {
        troubles.say("reading routes", found);
        // A holder that cannot read adds what it does not know, rather than serve without it.
        if (this.#wanted === true) this.#there ??= new Set();
        this.#settle();
        return;
      }
      troubles.mended("reading routes");
      this.#compare(found);
      this.#there = new Set(found);
      this.#settle();
    });
  }

  #compare(found: ReadonlySet<Place>): void {
    const { routes, troubles } = this.#options;
    if (this.#wanted !== true || !this.#ready) return;
    const gone = routes.filter((route) => {
      const place = placeOf(route);
      return this.#there?.has(place) === true && !found.has(place);
    });
    if (gone.length > 0) troubles.happened("routes", lost(gone));
  }

  /** One job at a time; whatever comes of it is read, and settled again. */
  #settle(): void {
    const there = this.#there;
    if (this.#wanted === undefined || this.#busy || this.#stopped) return;
    const { routes } = this.#options;
    const isThere = (route: string): boolean => there?.has(placeOf(route)) === true;
    if (!this.#wanted) {
      // One may lead to the gateway of the next.
      const leaving = routes.filter(isThere).toReversed();
      if (leaving.length === 0) this.#options.troubles.mended("routes");
      else if (!this.#rests()) this.#run("del", leaving);
      return;
    }
    const missing = routes.filter((route) => !isThere(route));
    if (missing.length === 0) this.#options.troubles.mended("routes");
    else if (there !== undefined && this.#ready && !this.#rests()) this.#run("add", missing);
  }

  #rests(): boolean {
    const { now } = this.#options;
    return this.#refusedAt !== undefined && elapsed(this.#refusedAt, now()) < refusedRest;
  }

  #run(verb: "add" | "del", routes: readonly string[]): void {
    this.#busy = true;
    this.#jobs += 1;
    const lines = routes.map((route) => `route ${verb} ${marked(route)}`);
    this.#options.batch.run(lines, (result) => {
      this.#busy = false;
      if (result.kind === "done") this.#note(verb, routes);
      else this.#refuse(result);
      this.#settle();
      if (!this.#stopped) this.#read();
    });
  }

  #note(verb: "add" | "del", routes: readonly string[]): void {
    for (const place of routes.map(placeOf)) {
      if (verb === "add") this.#there?.add(place);
      else this.#there?.delete(place);
    }
  }

  /** What is there by now, the next reading tells. */
  #refuse(result: BatchResult): void {
    const { now, troubles } = this.#options;
    this.#there = undefined;
    this.#refusedAt = now();
    if (result.kind === "killed")
      troubles.say("routes", `Cannot tell whether routes were changed: ${result.reason}`);
    if (result.kind !== "failed") return;
    const reasons = result.reasons.filter((reason) => !wentByItself(reason));
    if (reasons.length > 0) troubles.say("routes", reasons.join("; "));
  }
}

/** With its interface, or with the address that it names as its source. */
const wentByItself = (reason: string): boolean =>
  /No such process|Cannot find device/.test(reason) && reason.includes("route del");

const lost = (routes: readonly string[]): string =>
  `The route ${routes.join(", and ")} went away while the address is here: adding it again`;
