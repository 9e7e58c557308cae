import { mkdir, stat } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { commandLine } from "../linux/command.ts";
import { writeAtomically } from "./atomic-write.ts";
import { absolutePath } from "./configuration/formats.ts";
import { parseConfiguration } from "./configuration/parse.ts";
import { problemSentence } from "./configuration/problem.ts";
import { unsupported } from "./configuration/unsupported.ts";
import { errorCode, exitCodes, Failure, reasonOf } from "./failure.ts";
import { asked } from "./init/ask.ts";
import { type Findings, withFindings } from "./init/complete.ts";
import { surroundingsHere, webServerHere, witnessMark } from "./init/discover.ts";
import { type PairFlags, said, withFlags } from "./init/flags.ts";
import { readForeign } from "./init/read-foreign.ts";
import { remarkSentence } from "./init/remarks.ts";
import { marksOf, type SettledPair, settled } from "./init/settle.ts";
import { emptySketch, type Sketch } from "./init/sketch.ts";
import { yamlText } from "./init/yaml-text.ts";
import { writeKeyFile } from "./key-file.ts";
import { isTerminal } from "./terminal.ts";

export interface InitOptions extends PairFlags {
  readonly from?: string;
  /** Which vrrp_instance, or whose line of haresources. */
  readonly instance?: string;
  /** `-`: standard output, and nothing is written. */
  readonly out: string;
  readonly key: string;
  readonly yes: boolean;
  readonly force: boolean;
}

/** `failover init`: a configuration and a key for a new pair, asked for, typed or converted. */
export async function runInit(options: InitOptions): Promise<number> {
  const out = options.out === "-" ? "-" : resolve(options.out);
  const key = said("--key", resolve(options.key), absolutePath).value;
  if (out !== "-" && !options.force) await refuseToOverwrite(out);
  const pair = await pairFor(options);
  const text = valid(yamlText(pair, key));
  if (out === "-") {
    process.stdout.write(text);
    for (const line of findings(pair)) process.stderr.write(`${line}\n`);
    return exitCodes.done;
  }
  const made = await writeBoth(out, text, key, options.force);
  process.stdout.write(
    `${[...made, ...findings(pair), ...nextSteps(pair, out, key)].join("\n")}\n`,
  );
  return exitCodes.done;
}

async function pairFor(options: InitOptions): Promise<SettledPair> {
  const surroundings = await surroundingsHere();
  const sketch =
    options.from === undefined
      ? emptySketch
      : readForeign(options.from, surroundings, options.instance);
  if (options.yes && options.instance === undefined) refuseGrave(sketch);
  const told = withFlags(sketch, options, surroundings);
  const found: Findings = { surroundings, web: await webServerHere() };
  const interactive = isTerminal(process.stdin) && isTerminal(process.stdout) && !options.yes;
  const whole = withFindings(interactive ? await fromPerson(told, found) : told, found);
  if (options.from === undefined) refuseHoles(whole);
  const marks = { ...whole.marks, witness: await witnessMark(whole) };
  return settled(
    { ...whole, marks },
    surroundings.local.map(({ address }) => address),
  );
}

/** Whoever names the instance has looked; with --yes alone nobody reads what would end. */
function refuseGrave({ remarks }: Sketch): void {
  const sentences = remarks.filter(({ grave }) => grave === true).map(remarkSentence);
  if (sentences.length === 0) return;
  throw new Failure(
    exitCodes.usage,
    [
      "Cannot convert this with --yes alone; say with --instance which one is meant:",
      ...sentences,
    ].join("\n  "),
  );
}

async function fromPerson(told: Sketch, found: Findings): Promise<Sketch> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // Ctrl-C and Ctrl-D: a question that is open then would never be answered.
  const left = (): never => process.exit(130);
  terminal.once("close", left);
  const sketch = await asked(told, found, terminal, (line) => process.stdout.write(`${line}\n`));
  terminal.off("close", left).close();
  return sketch;
}

/** A pair that nobody has described yet is not written with values that mean nothing. */
function refuseHoles({ addresses, nodes }: Sketch): void {
  const missing = [
    ...(addresses.length === 0 ? ["--address ADDRESS, which will move"] : []),
    ...missingNode(nodes),
  ];
  if (missing.length === 0) return;
  throw new Failure(
    exitCodes.usage,
    `Cannot set up a pair without ${missing.join(" and ")}; on a terminal failover init asks`,
  );
}

/** Of two that are missing, the other machine's may be enough: what this one has may be found then. */
function missingNode(nodes: Sketch["nodes"]): readonly string[] {
  const lacking = nodes.filter((node) => node.paths.length === 0 || node.interface === undefined);
  const [node] = lacking;
  if (node === undefined) return [];
  const known = nodes.find((one) => !lacking.includes(one));
  const which = known !== undefined && node.here === true ? "this machine" : "the other machine";
  return [`--node NAME=INTERFACE${",ADDRESS".repeat(known?.paths.length ?? 1)} for ${which}`];
}

/** What is written was read by whoever will read it. */
function valid(text: string): string {
  const parsed = parseConfiguration(text);
  const problems =
    parsed.kind === "invalid"
      ? parsed.problems.map(problemSentence)
      : unsupported(parsed.configuration);
  if (problems.length === 0) return text;
  const lines = problems.map((problem) => `  ${problem}`);
  throw new Failure(
    exitCodes.usage,
    ["Cannot write this configuration, which no agent would start with:", ...lines, text].join(
      "\n",
    ),
  );
}

async function refuseToOverwrite(file: string): Promise<void> {
  try {
    await stat(file);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return;
    throw new Failure(exitCodes.usage, `Cannot write ${file}: ${reasonOf(error)}`);
  }
  throw new Failure(exitCodes.usage, `Cannot write ${file}: it exists; --force replaces it`);
}

/** The key first: a configuration without its key is worse than a key without its configuration. */
async function writeBoth(
  out: string,
  text: string,
  key: string,
  force: boolean,
): Promise<readonly string[]> {
  for (const file of [out, key]) await makeDirectoryOf(file);
  const keyExists = await exists(key);
  if (!keyExists) await writeKeyFile(key);
  try {
    await writeAtomically(out, text, { mode: 0o644, over: force ? "replace" : "new" });
  } catch (error) {
    throw new Failure(exitCodes.usage, `Cannot write ${out}: ${reasonOf(error)}`, { cause: error });
  }
  return [
    `The configuration is in ${out}`,
    keyExists ? `The key that was there already is kept: ${key}` : `A new key is in ${key}`,
  ];
}

async function makeDirectoryOf(file: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o755 });
  } catch (error) {
    throw new Failure(exitCodes.usage, `Cannot make the directory of ${file}: ${reasonOf(error)}`);
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch {
    return false;
  }
}

function findings(pair: SettledPair): readonly string[] {
  const marks = marksOf(pair).map((mark) => `  ${mark}`);
  return [
    ...pair.remarks.map(remarkSentence),
    ...(marks.length === 0 ? [] : ["To be changed in it, where it says CHANGE THIS:", ...marks]),
  ];
}

/** One command brings both files to the other machine, with their modes, and makes their directory. */
function nextSteps(pair: SettledPair, out: string, key: string): readonly string[] {
  const [one, other] = pair.nodes;
  const marked = marksOf(pair).length > 0;
  const peer = pair.peer === 0 ? one : other;
  const [path] = peer.paths;
  const host = path?.mark === undefined ? path?.value : "OTHER";
  const files = [out, key].map((file) => relative("/", file));
  return [
    `${marked ? "Then bring" : "Bring"} both to ${marked ? "the other machine" : peer.name.value}:`,
    `  ${commandLine("tar", ["-C", "/", "-c", ...files])} | ssh root@${host} tar -C / -xp`,
    ...(pair.source === ""
      ? []
      : ["Stop and disable the old agent on both: it holds the address."]),
    "Then, on both machines:",
    "  failover check",
    "  systemctl enable --now failover",
  ];
}
