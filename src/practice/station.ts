import type { Anchor } from "./anchor.ts";
import { type CommandOptions, type CommandResult, mustRun, run } from "./command.ts";
import { LabProcess, type SpawnOptions } from "./lab-process.ts";

/** A place in the lab that has a network of its own and shares everything else with the anchor. */
export class Station {
  protected readonly anchor: Anchor;
  readonly name: string;

  constructor(anchor: Anchor, name: string) {
    this.anchor = anchor;
    this.name = name;
  }

  /** What to put before a command to run it here. */
  enter(): string[] {
    return this.anchor.enter(this.name);
  }

  exec(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return run([...this.enter(), ...argv], options);
  }

  /** Rejects when the command fails. Answers with its standard output. */
  mustExec(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
    return mustRun([...this.enter(), ...argv], options);
  }

  spawn(argv: readonly string[], options: SpawnOptions = {}): Promise<LabProcess> {
    return LabProcess.start(this.enter(), argv, options);
  }
}
