import { exitCodes } from "../cli/failure.ts";
import { Lab } from "./lab.ts";
import { type Narrator, terminalNarrator } from "./narrator.ts";
import { machineNames, serviceAddress } from "./network.ts";
import { scenes } from "./scenes.ts";
import { type SceneResult, Stage } from "./stage.ts";
import { ensureTools, labTools } from "./tools.ts";
import { now } from "./wait.ts";

export interface PracticeOptions {
  /** Leave the machines up at the end, until Ctrl-C. */
  readonly keep: boolean;
}

/** What a shell expects of a command that Ctrl-C ended. */
const interruptedCode = 130;

/**
 * The rehearsal: two machines in namespaces on this one, everything that can happen to a pair, and
 * what a client saw of it. Answers with the exit code: 0 when everything went as it must, 1 when a law
 * was broken or the rehearsal could not be held, 130 after Ctrl-C. Leaves nothing behind, whatever
 * ends it.
 */
export async function runPractice({ keep }: PracticeOptions): Promise<number> {
  const narrator = terminalNarrator();
  using interruption = new Interruption();
  const held = rehearse(narrator, interruption, keep).catch((error: unknown): number => {
    narrator.verdict(false, (error as Error).message);
    return exitCodes.broken;
  });
  const code = await Promise.race([held, interruption.happened]);
  if (code !== undefined) return code;
  narrator.say("\nEverything is taken down");
  narrator.fallSilent();
  await interruption.lab?.[Symbol.asyncDispose]();
  // The scene still waits for something that will not happen any more.
  process.exit(interruption.code);
}

async function rehearse(
  narrator: Narrator,
  interruption: Interruption,
  keep: boolean,
): Promise<number> {
  const start = now();
  narrator.say("A rehearsal on this one machine: two machines, a switch, a gateway and a client,");
  narrator.say("all in namespaces. Nothing outside is touched, and nothing is left behind.");
  await ensureTools(labTools, (sentence) => narrator.say(sentence));
  await using lab = await Lab.create({ configuration: { swap: { verifyTime: "10s" } } });
  interruption.lab = lab;
  await lab.startWebs();
  await lab.startAgents();
  await lab.untilHeldBy("primary", { within: 30_000 });
  await lab.agents.backup.untilRole("standby");
  await using stage = await Stage.open(lab, narrator);
  await stage.served("primary", 5000);
  introduce(narrator, lab, now() - start);
  const results: SceneResult[] = [];
  for (const [index, { title, play }] of scenes.entries()) {
    narrator.title(index + 1, title);
    results.push(await play(stage, title).catch((error: unknown) => giveUp(lab, narrator, error)));
  }
  conclude(narrator, results, now() - start);
  const well = results.every(({ broken }) => broken.length === 0);
  const code = well ? exitCodes.done : exitCodes.broken;
  if (keep) {
    await lab.agents.primary.start();
    explainKeeping(narrator, lab);
    interruption.code = code;
    await interruption.happened;
  }
  return code;
}

/** A scene that does not come to its end leaves no stage for the next one. */
function giveUp(lab: Lab, narrator: Narrator, error: unknown): never {
  for (const name of machineNames) {
    narrator.happened(`the last words of the agent of ${name}:`);
    narrator.quoted(lab.agents[name].log().trimEnd().split("\n").slice(-8).join("\n"));
  }
  throw error;
}

function introduce(narrator: Narrator, lab: Lab, took: number): void {
  const server =
    lab.webs.primary.kind === "nginx"
      ? "nginx"
      : "a small web server of ours (nginx is not installed)";
  narrator.say("");
  narrator.say(`Both machines run the agent and ${server}; up in ${(took / 1000).toFixed(1)} s.`);
  narrator.say(
    `The primary holds ${serviceAddress}. The client asks for a page 200 times a second,`,
  );
  narrator.say("each time over a new connection, and never stops.");
}

function conclude(narrator: Narrator, results: readonly SceneResult[], took: number): void {
  narrator.say("");
  narrator.table([
    ["scene", "outage", "failed", "result"],
    ...results.map(({ title, outage, failed, requests, broken }) => [
      title,
      outage === undefined ? "for ever" : `${Math.round(outage)} ms`,
      `${failed} of ${requests}`,
      broken.length === 0 ? "as it must be" : `BROKEN: ${broken.join("; ")}`,
    ]),
  ]);
  const broken = results.filter((result) => result.broken.length > 0).length;
  narrator.say("");
  narrator.say(
    broken === 0
      ? `No law was broken. The rehearsal took ${Math.round(took / 1000)} s.`
      : `In ${broken} of ${results.length} scenes something was not as it must be.`,
  );
}

function explainKeeping(narrator: Narrator, lab: Lab): void {
  narrator.say("");
  narrator.say("The machines stay up until you press Ctrl-C. To enter them:");
  narrator.say(`  primary: ${lab.machines.primary.enterCommand()}`);
  narrator.say(`  backup:  ${lab.machines.backup.enterCommand()}`);
  narrator.say("There, type failover status, ip address, or tail -f /run/log/access.log.");
}

/** The first signal leaves politely, the second at once; both leave nothing behind. */
class Interruption implements Disposable {
  /** What a second signal ends, once it is there. */
  lab: Lab | undefined;
  code: number = interruptedCode;
  readonly happened: Promise<undefined>;
  readonly #heard: () => void;
  #count = 0;

  constructor() {
    let happen = (): void => {};
    this.happened = new Promise((resolve) => {
      happen = () => resolve(undefined);
    });
    this.#heard = () => {
      this.#count += 1;
      happen();
      if (this.#count < 2) return;
      this.lab?.anchor.kill();
      process.exit(this.code);
    };
    for (const signal of signals) process.on(signal, this.#heard);
  }

  [Symbol.dispose](): void {
    for (const signal of signals) process.off(signal, this.#heard);
  }
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
