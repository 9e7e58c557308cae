import { runCommand } from "./command.ts";

/** Installed packages by their names; a sentence where nobody can be asked. */
export async function installedPackages(): Promise<ReadonlyMap<string, string> | string> {
  const fields = ["Package", "Version", "db:Status-Status"].map((field) => `\${${field}}`);
  const format = ["-f", `${fields.join("\\t")}\\n`];
  const debian = await runCommand("dpkg-query", ["-W", ...format], patienceMillis);
  if (debian.kind === "done") return readDpkg(debian.output);
  const redHat = await runCommand("rpm", ["-qa", "--qf", "%{NAME}\\t%{EVR}\\n"], patienceMillis);
  if (redHat.kind === "done") return readRpm(redHat.output);
  return "neither dpkg-query nor rpm answers";
}

/** `nginx⇥1.22.1-9⇥installed`; what was removed and left its configuration behind is not installed. */
export function readDpkg(output: string): ReadonlyMap<string, string> {
  const installed = rows(output).filter(([, , status]) => status === "installed");
  return gathered(installed);
}

export function readRpm(output: string): ReadonlyMap<string, string> {
  return gathered(rows(output));
}

const rows = (output: string): readonly string[][] =>
  output.split("\n").map((line) => line.split("\t"));

/** One package may be there in several versions or architectures. */
function gathered(found: readonly string[][]): ReadonlyMap<string, string> {
  const versions = new Map<string, Set<string>>();
  for (const [name = "", version = ""] of found) {
    if (name !== "") versions.set(name, (versions.get(name) ?? new Set()).add(version));
  }
  return new Map([...versions].map(([name, all]) => [name, [...all].sort().join(", ")]));
}

const patienceMillis = 30_000;
