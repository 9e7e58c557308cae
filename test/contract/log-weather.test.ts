import {
  copyFileSync,
  existsSync,
  mkdirSync,
  renameSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import fc from "fast-check";
import { beforeEach, expect, test } from "vitest";

import { LogReader, openPlace, Server, upTo } from "./log-server.ts";

let place: string;
let log: string;
beforeEach(() => {
  place = openPlace();
});

const writing = ["write", "write many", "write half"] as const;
const rotating = ["rename", "create", "reopen", "unlink", "copytruncate", "truncate"] as const;
type Act = (typeof writing)[number] | (typeof rotating)[number] | "poll";
const act = fc.oneof<fc.Arbitrary<Act>[]>(
  fc.constantFrom(...writing),
  fc.constantFrom(...rotating),
  fc.constant("poll"),
);

/**
 * Every line once, whatever the order of events, but for what a follower cannot know: a file that
 * came and went between two looks, and what was written between two looks to a file truncated
 * without a copy. There the weather waits for a look.
 */
test("no line is missed and none is counted twice", () => {
  let turn = 0;
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      turn += 1;
      log = join(place, `${turn}`, "access.log");
      mkdirSync(join(place, `${turn}`));
      const weather = new Weather();
      for (const one of acts) weather.pass(one);
      weather.end();
      expect(weather.reader.numbers.sort((a, b) => a - b)).toEqual(upTo(weather.server.written));
    }),
    { numRuns: 300 },
  );
});

class Weather {
  readonly server = new Server();
  readonly reader = new LogReader(log);
  /** The reader looked at the path since another file took it. */
  #met = false;
  /** And read at least a byte of it since it was last empty: only then can its copy be known. */
  #seen = false;
  #rotations = 0;
  /** Old files that are held: with more than eight the oldest is let go. */
  #held = 0;

  constructor() {
    this.server.open(log);
    this.#poll();
  }

  pass(act: Act): void {
    switch (act) {
      case "write":
        this.server.write();
        return;
      case "write many":
        this.server.write(50);
        return;
      case "write half":
        this.server.writeHalf();
        return;
      case "poll":
        this.#poll();
        return;
      case "create":
        writeFileSync(log, "", { flag: "a" });
        return;
      case "reopen":
        this.server.open(log);
        return;
      case "rename":
        this.#away(() => renameSync(log, `${log}.${this.#rotations}`));
        return;
      case "unlink":
        this.#away(() => unlinkSync(log));
        return;
      case "copytruncate":
        this.#cut(() => copyFileSync(log, `${log}.${this.#rotations}`));
        return;
      case "truncate":
        this.#cut(() => this.#poll());
        return;
    }
  }

  end(): void {
    this.server.close();
    this.#poll();
    this.reader.follower.close();
  }

  #poll(): void {
    this.reader.poll();
    this.#met = existsSync(log);
    this.#seen = this.#met && statSync(log).size > 0;
  }

  #away(act: () => void): void {
    if (!existsSync(log) || this.#held === 7) return;
    if (!this.#met) this.#poll();
    this.#held += 1;
    this.#rotations += 1;
    act();
    this.#met = false;
    this.#seen = false;
  }

  #cut(copy: () => void): void {
    if (!existsSync(log)) return;
    this.server.finishLine();
    if (!this.#seen) this.#poll();
    this.#rotations += 1;
    copy();
    truncateSync(log);
    this.#seen = false;
  }
}
