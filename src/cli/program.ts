import { Command, CommanderError } from "commander";

import { addresses, count, drainTime, several, share, spanFrom, time } from "./arguments.ts";
import { exitCodes, Failure } from "./failure.ts";
import { administrative, driftOption, jsonOption, nodeOption, stateOption } from "./options.ts";
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
  addPreview(program, answer);
  addWaiting(program, answer);
  addOrders(program, answer);
  addCheck(program, answer);
  addFingerprint(program, answer);
  addHistory(program, answer);
  addTraffic(program, answer);
  addInit(program, answer);
  addKeygen(program, answer);
  addKey(program, answer);
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
    .option("--share <rate>", "stay at this share of new connections, such as 5%", share)
    .option("--for <time>", "how long to stay at it before going back (default: 10m)", time)
    .option("--drain <time>", "end what is left after this time, such as 10m, or wait", drainTime)
    .option("--dry-run", "print what would be done on both machines, and move nothing", false)
    .option("--at <when>", "wait for 03:40, 2026-11-30T03:40, +2h, or the quietest hour: quiet")
    .option("--within <span>", "how far away the quietest hour may be", spanFrom("10m", "7d"))
    .addOption(jsonOption())
    .action(async (node: string, options) => {
      const { runPromote } = await import("./promote-command.ts");
      answer(await runPromote({ ...options, node }));
    });
}

function addPreview(program: Command, answer: Answer): void {
  administrative(program.command("preview"))
    .description("let the standby serve some clients at the real address, and nobody else")
    .option("--from <addresses>", "the clients' addresses, with commas between", addresses, [])
    .option("--for <time>", "how long (default: 10m)", time)
    .option("--stop", "end it now", false)
    .action(async (options) => {
      const { runPreview } = await import("./preview-command.ts");
      answer(await runPreview(options));
    });
}

function addWaiting(program: Command, answer: Answer): void {
  administrative(program.command("waiting"))
    .description("list the swaps that wait for their hour on this machine")
    .option("--call-off <id>", "let one of them wait no more")
    .addOption(jsonOption())
    .action(async (options) => {
      const { runWaiting } = await import("./waiting-command.ts");
      answer(await runWaiting(options));
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
    .addOption(driftOption())
    .addOption(nodeOption())
    .addOption(stateOption())
    .addOption(jsonOption())
    .action(async (options) => {
      const { runCheck } = await import("./check-command.ts");
      answer(await runCheck(options));
    });
}

function addFingerprint(program: Command, answer: Answer): void {
  administrative(program.command("fingerprint"))
    .description("print what this machine is made of, for check --drift on the other")
    .addOption(nodeOption())
    .action(async (options) => {
      const { runFingerprint } = await import("./fingerprint-command.ts");
      answer(await runFingerprint(options));
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

function addInit(program: Command, answer: Answer): void {
  program
    .command("init")
    .description("set up a pair: write its configuration and key, and say what comes next")
    .option("--from <file>", "convert heartbeat's ha.cf or haresources, or keepalived.conf")
    .option("--instance <name>", "which vrrp_instance, or whose line of haresources")
    .option("--pair <name>", "the pair's name (default: www)")
    .option("--address <address>", "of the service; may be repeated", several, [])
    .option("--node <name=interface,address...>", "a machine; may be repeated", several, [])
    .option("--access-log <file>", "of the web server; may be repeated", several, [])
    .option("--domain <name>", "the name that users type")
    .option("--out <file>", "where to, or - for standard output", defaultConfigurationFile)
    .option("--key <file>", "where the key is or will be", defaultKeyFile)
    .option("-y, --yes", "ask nothing, even on a terminal", false)
    .option("--force", "replace a configuration that is there", false)
    .action(async (options) => {
      const { runInit } = await import("./init-command.ts");
      answer(await runInit(options));
    });
}

function addTraffic(program: Command, answer: Answer): void {
  administrative(program.command("traffic"))
    .description("draw the week's requests from the access_logs, and name the quietest hour")
    .option("--window <span>", "how long a swap takes", spanFrom("1m", "1d"), 600_000)
    .addOption(nodeOption())
    .addOption(jsonOption())
    .action(async (options) => {
      const { runTraffic } = await import("./traffic-command.ts");
      answer(await runTraffic(options));
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

function addKey(program: Command, answer: Answer): void {
  const key = program
    .command("key")
    .description("change the key of a running pair, without a beat lost");
  administrative(key.command("rotate"))
    .description("make a new key, wait until the other machine has it, and retire the old one")
    .option("--wait <seconds>", "how long for the other machine", count, 600)
    .action(async (options) => {
      const { runKeyRotate } = await import("./key-command.ts");
      answer(await runKeyRotate(options));
    });
  administrative(key.command("add"))
    .description("put a new key before the others, and have the agent accept it")
    .option("--stdin", "the key that the other machine made, 64 hex digits", false)
    .action(async (options) => {
      const { runKeyAdd } = await import("./key-command.ts");
      answer(await runKeyAdd(options));
    });
  administrative(key.command("retire"))
    .description("remove all keys but the newest, once the other machine signs with it")
    .option("--force", "even if the other machine may not have the newest", false)
    .action(async (options) => {
      const { runKeyRetire } = await import("./key-command.ts");
      answer(await runKeyRetire(options));
    });
  administrative(key.command("list"))
    .description("name the keys by their ids, and who uses which")
    .addOption(jsonOption())
    .action(async (options) => {
      const { runKeyList } = await import("./key-command.ts");
      answer(await runKeyList(options));
    });
}

function addCleanup(program: Command, answer: Answer): void {
  administrative(program.command("cleanup"))
    .description("remove what an agent that is gone left in the kernel")
    .addOption(stateOption())
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
