import { setImmediate } from "node:timers/promises";

import type { MacAddress } from "../../core/beat.ts";
import { counted } from "../../core/counted.ts";
import type { Flow } from "../../core/diversion.ts";
import {
  declareScript,
  keepElements,
  keepScript,
  loadScript,
  type Purpose,
  pickScript,
  removeScript,
  type Scene,
} from "./rules.ts";

/** What a table in the kernel serves, and for which MAC it was written. */
export interface Load extends Purpose {
  readonly ownMac: MacAddress;
}

/** One run of nft. */
export interface Step {
  readonly script: string;
  /** In a few words, for the log. */
  readonly what: string;
  /** For the log, where a list of thousands helps nobody. */
  readonly shown?: string;
  readonly done: () => void;
}

/** From what is there, as far as is known, to what is wanted. */
export interface Change {
  readonly loaded: Load | "nothing" | "unknown";
  readonly aim: Load;
  /** Whatever is there is removed first. */
  readonly afresh: boolean;
  /** The list of the move, in commands; undefined where it is there already, or none is wanted. */
  readonly elements: readonly string[] | undefined;
}

/** The shortest way: what this agent declared it does not declare again. */
export const changeScript = (scene: Scene, { loaded, aim, afresh, elements }: Change): string => {
  const there = typeof loaded === "object" && !afresh ? loaded : undefined;
  return [
    ...(afresh ? [removeScript(scene.table)] : []),
    ...(there === undefined ? [declareScript(scene)] : []),
    ...(elements === undefined ? [] : [keepScript(scene, elements)]),
    ...(there !== undefined && same(there, aim) ? [] : [rulesScript(scene, there, aim)]),
  ].join("\n");
};

const rulesScript = (scene: Scene, there: Load | undefined, aim: Load): string => {
  const { diversion } = aim;
  const before = there?.diversion;
  const onlyPicks =
    diversion.kind === "share" &&
    before?.kind === "share" &&
    before.to === diversion.to &&
    same({ ...aim, diversion: before }, there ?? aim);
  return onlyPicks ? pickScript(scene, diversion) : loadScript(scene, aim);
};

/** What the table is for, in a few words, for the log. */
export const purposeWords = ({ diversion }: Purpose, kept: number): string => {
  switch (diversion.kind) {
    case "none":
      return "only look who arrives";
    case "share": {
      const { share, testers, to } = diversion;
      const rate = share === 0 ? "no" : `${Number((share * 100).toFixed(2))} % of`;
      const those = testers.length === 0 ? "" : `, and those of ${testers.join(", ")},`;
      return `pass ${rate} new connections${those} to ${to}`;
    }
    case "all-but-kept":
      return `pass all but ${counted(kept, "kept connection")} to ${diversion.to}`;
    case "kept":
      return `pass ${counted(kept, "kept connection")} back to ${diversion.to}`;
  }
};

export const same = (one: Load, other: Load): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

/** A machine whose interface is gone has no MAC. */
export const isKnown = ({ diversion, ownMac }: Load): boolean =>
  diversion.kind === "none" || (ownMac !== "" && diversion.to !== "");

/** In slices, with the heart's own work between them. */
export const keepCommands = async (
  scene: Scene,
  flows: readonly Flow[],
): Promise<readonly string[]> => {
  const lines: string[] = [];
  for (const line of keepElements(scene, flows)) {
    lines.push(line);
    await setImmediate();
  }
  return lines;
};
