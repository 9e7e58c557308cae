import { Command, CommanderError, InvalidArgumentError, Option } from "commander";

import { exitCodes, Failure } from "./failure.ts";
import { defaultConfigurationFile, defaultKeyFile } from "./places.ts";
import { version } from "./version.ts";

/*
 * Each command is imported when it is called: an administrator in a hurry should not wait for
 * winston and YAML to see a status.
 */

/** Does what the arguments say and answers with the exit code; never rejects. */
export async function run(args: readonly string[]): Promise<number> {
  let code: number = exitCodes.done;
  const program = programThat((answer) => {
    code = answer;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    return explain(error);
  }
}

type Answer = (code: number) => void;

/** The command line, before anything is typed. */
export function programThat(answer: Answer): Command {
  const program = new Command("failover")
    .description("Two Linux machines behind one address: takeover when one dies, proved swaps")
    .version(version(), "-V, --version", "print the version")
    .helpCommand("help [command]", "explain a command")
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, "failover: ")),
    })
    .showHelpAfterError("(failover --help lists the commands)")
    .exitOverride();
  addAgent(program, answer);
  addStatus(program, answer);
  addPromote(program, answer);
  addOrders(program, answer);
  addCheck(program, answer);
  addHistory(program, answer);
  addKeygen(program, answer);
  addCleanup(program, answer);
  addPractice(program, answer);
  return program;
}

function addAgent(program: Command, answer: Answer): void {
  administrative(program.command("agent"))
    .description("be one of the two machines, until SIGTERM; what systemd starts")
    .addOption(nodeOption())
    .addOption(stateOption())
    .action(async (options) => {
      const { runAgent } = await import("./agent-command.ts");
      answer(await runAgent(options));
    });
}

function addStatus(program: Command, answer: Answer): void {
  administrative(program.command("status"))
    .description("tell who holds the address and why, and how old each fact is")
    .option("--watch", "go on until interrupted", false)
    .addOption(jsonOption())
    .action(async (options) => {
      const { runStatus } = await import("./status-command.ts");
      answer(await runStatus(options));
    });
}

function addPromote(program: Command, answer: Answer): void {
  administrative(program.command("promote"))
    .description("move the service to a node, prove it from the access_log, or put it back")
    .argument("<node>", "the node that shall hold the address")
    .option("--cut", "in cut mode, whatever the configuration says", false)
    .option("--dry-run", "print what would be done on both machines, and move nothing", false)
    .addOption(jsonOption())
    .action(async (node: string, options) => {
      const { runPromote } = await import("./promote-command.ts");
      answer(await runPromote({ ...options, node }));
    });
}

function addOrders(program: Command, answer: Answer): void {
  const orders = {
    release: "let the address go from this machine, until thaw, promote or a boot",
    freeze: "keep the pair from changing anything by itself, until thaw",
    thaw: "end freeze and release",
  } as const;
  for (const kind of ["release", "freeze", "thaw"] as const) {
    administrative(program.command(kind))
      .description(orders[kind])
      .action(async (options) => {
        const { runOrder } = await import("./order-command.ts");
        answer(await runOrder(kind, options));
      });
  }
}

function addCheck(program: Command, answer: Answer): void {
  administrative(program.command("check"))
    .description("look at everything that a takeover needs, on this machine and from it")
    .option("--config-only", "read the configuration and nothing else", false)
    .addOption(nodeOption())
    .addOption(stateOption())
    .addOption(jsonOption())
    .action(async (options) => {
      const { runCheck } = await import("./check-command.ts");
      answer(await runCheck(options));
    });
}

function addHistory(program: Command, answer: Answer): void {
  administrative(program.command("history"))
    .description("tell what happened here, newest last")
    .option("-n, --count <n>", "how many of the last entries", count, 20)
    .addOption(stateOption())
    .addOption(jsonOption())
    .action(async (options) => {
      const { runHistory } = await import("./history-command.ts");
      answer(await runHistory(options));
    });
}

function addKeygen(program: Command, answer: Answer): void {
  program
    .command("keygen")
    .description("make a key for both machines, in a new file of mode 0600")
    .argument("[file]", "where to", defaultKeyFile)
    .action(async (file: string) => {
      const { runKeygen } = await import("./keygen-command.ts");
      answer(await runKeygen(file));
    });
}

function addCleanup(program: Command, answer: Answer): void {
  administrative(program.command("cleanup"))
    .description("remove what an agent that is gone left in the kernel")
    .action(async (options) => {
      const { runCleanup } = await import("./cleanup-command.ts");
      answer(await runCleanup(options));
    });
}

function addPractice(program: Command, answer: Answer): void {
  program
    .command("practice")
    .description(
      "rehearse on this machine alone: two machines, a switch and a client in namespaces",
    )
    .option("--keep", "leave everything running for a look around", false)
    .action(async (options) => {
      const { runPractice } = await import("../practice/practice.ts");
      answer(await runPractice(options));
    });
}

/** Every command of the administrator can be told where things are. */
function administrative(command: Command): Command {
  return command
    .option("--config <file>", "the configuration", defaultConfigurationFile)
    .option("--socket <path>", "the agent's control socket (default: /run/failover/<pair>.sock)");
}

function stateOption(): Option {
  return new Option("--state-dir <dir>", "journal and history (default: /var/lib/failover/<pair>)");
}

function nodeOption(): Option {
  return new Option("--node <name>", "which node this is (default: whose path is a local address)");
}

function jsonOption(): Option {
  return new Option("--json", "data for programs").default(false);
}

function count(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError("It is no number above 0.");
  return Number(text);
}

function explain(error: unknown): number {
  if (error instanceof CommanderError) {
    // Commander has said what there is to say; help and version are no errors.
    return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  }
  if (error instanceof Failure) {
    process.stderr.write(`failover: ${error.message}\n`);
    return error.exitCode;
  }
  process.stderr.write(`failover: ${error instanceof Error ? error.stack : String(error)}\n`);
  return exitCodes.broken;
}
