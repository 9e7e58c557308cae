import { constants } from "node:fs";
import { access, open, stat } from "node:fs/promises";
import { dirname } from "node:path";

import { counted } from "../../core/counted.ts";
import { LineSplitter } from "../../traffic/lines.ts";
import { lineReader } from "../../traffic/parse/log-format.ts";
import { errorCode, Failure, reasonOf } from "../failure.ts";
import { readKeyFile } from "../key-file.ts";
import { ownershipFault } from "../ownership.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

/** Files and directories that the agent on this machine will need. */
export async function fileFindings(files: {
  readonly key: string;
  readonly stateDirectory: string;
  readonly socket: string;
  readonly accessLogs: readonly string[];
  readonly logFormat: string;
  /** The agent's own; undefined: standard error. */
  readonly log: string | undefined;
}): Promise<readonly Finding[]> {
  const own = files.log === undefined ? [] : [files.log];
  const found = await Promise.all([
    keyFinding(files.key),
    directoryFinding("state", files.stateDirectory),
    directoryFinding("socket", dirname(files.socket)),
    ...own.map(logFinding),
    ...files.accessLogs.map((file) => accessLogFinding(file, files.logFormat)),
  ]);
  return [
    ...found,
    ...sandboxFindings("access_log", "read", files.accessLogs),
    ...sandboxFindings("log", "written", own),
  ];
}

/** Of the units in systemd/: PrivateTmp, ProtectHome and ProtectSystem, with what each does to a file. */
const closed = [
  { below: ["/tmp", "/var/tmp"], to: ["read", "written"], by: "PrivateTmp=yes" },
  { below: ["/home", "/root", "/run/user"], to: ["written"], by: "ProtectHome=read-only" },
  { below: ["/usr", "/boot", "/efi", "/etc"], to: ["written"], by: "ProtectSystem=full" },
];

/** Files that an agent finds, or may write, only where it runs outside the unit. */
export function sandboxFindings(
  subject: string,
  use: "read" | "written",
  files: readonly string[],
): readonly Finding[] {
  return files.flatMap((file) => {
    const found = closed.find(
      ({ below, to }) => to.includes(use) && below.some((place) => file.startsWith(`${place}/`)),
    );
    if (found === undefined) return [];
    const sentence = `${file} cannot be ${use} by the agent of the unit, which has ${found.by}`;
    return [warning(subject, sentence, "another directory, such as below /var/log")];
  });
}

async function logFinding(file: string): Promise<Finding> {
  try {
    await access(file, constants.W_OK);
    const regular = (await stat(file)).isFile();
    if (!regular) return failed("log", `${file} is no regular file`, "correct log.file");
    return ok("log", `${file} can be written`);
  } catch (error) {
    const found = `${file} cannot be written: ${reasonOf(error)}`;
    if (errorCode(error) !== "ENOENT") return failed("log", found, "correct log.file");
    const made = await access(dirname(file), constants.W_OK).catch(reasonOf);
    if (made === undefined) return ok("log", `${file} can be made`);
    const advice = "the unit makes /var/log/failover when it starts; make any other directory";
    return warning("log", `${dirname(file)} cannot be written: ${made}`, advice);
  }
}

async function keyFinding(file: string): Promise<Finding> {
  try {
    const keys = await readKeyFile(file);
    const found = `${file} holds ${counted(keys.length, "key")}`;
    if (keys.length === 1) return ok("key", found);
    return warning(
      "key",
      `${found}, all of which are accepted: a change of keys was not brought to its end`,
      "see failover key list; when both machines sign with the newest, failover key retire on both",
    );
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const advice = "both machines need the same key file, mode 0600";
    return failed("key", error.message, advice);
  }
}

/** One that is missing is made by the agent, where its parent allows. */
async function directoryFinding(subject: string, directory: string): Promise<Finding> {
  try {
    const stats = await stat(directory);
    const forbidden = (stats.mode & 0o1000) === 0 ? 0o022 : 0;
    const fault = ownershipFault(directory, stats, { forbidden, mended: "700" });
    if (fault !== undefined) return failed(subject, `${directory}: ${fault}`, "run that command");
    await access(directory, constants.W_OK);
    return ok(subject, `${directory} can be written`);
  } catch (error) {
    const parent = dirname(directory);
    if (errorCode(error) === "ENOENT" && parent !== directory) {
      const above = await directoryFinding(subject, parent);
      return above.level === "ok" ? ok(subject, `${directory} can be made`) : above;
    }
    const found = `${directory} cannot be written: ${reasonOf(error)}`;
    return failed(subject, found, "run this command as the user of the agent, root");
  }
}

async function accessLogFinding(file: string, format: string): Promise<Finding> {
  try {
    await access(file, constants.R_OK);
    if ((await stat(file)).isFile()) return linesFinding(file, format, await lastLines(file));
    return failed("access_log", `${file} is no regular file`, "correct accessLog");
  } catch (error) {
    const found = `${file} cannot be read: ${reasonOf(error)}`;
    if (errorCode(error) !== "ENOENT") return failed("access_log", found, "make it readable");
    return warning("access_log", found, "correct accessLog, unless the web server never ran here");
  }
}

/** The lines at the end of a log, as the agent's reader will meet them. */
const looked = { bytes: 64 * 1024, lines: 200 } as const;

function linesFinding(file: string, format: string, lines: readonly string[]): Finding {
  if (lines.length === 0) return ok("access_log", `${file} can be read; it has no line yet`);
  const read = lineReader(format);
  const unreadable = lines.filter((line) => read(line) === undefined);
  const [sample] = unreadable;
  const all = lines.length === 1 ? "its last line" : `its last ${lines.length} lines`;
  // What a client sends may spoil a line; a tenth of them is another format.
  if (sample === undefined || unreadable.length * 10 <= lines.length) {
    return ok("access_log", `${file} can be read, and ${all} as logFormat says`);
  }
  const found = `${file}: ${unreadable.length} of ${all} do not fit logFormat, such as `;
  return failed(
    "access_log",
    found + JSON.stringify(sample.slice(0, 80)),
    "set logFormat to what the web server writes",
  );
}

async function lastLines(file: string): Promise<readonly string[]> {
  await using handle = await open(file);
  const { size } = await handle.stat();
  const from = Math.max(0, size - looked.bytes);
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(size - from), 0, size - from, from);
  const lines: string[] = [];
  const splitter = new LineSplitter({ line: (text) => lines.push(text), overlong: () => {} });
  if (from > 0) splitter.beginTorn();
  splitter.push(buffer.subarray(0, bytesRead));
  return lines.slice(-looked.lines);
}
