import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { dirname } from "node:path";

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
}): Promise<readonly Finding[]> {
  return Promise.all([
    keyFinding(files.key),
    directoryFinding("state", files.stateDirectory),
    directoryFinding("socket", dirname(files.socket)),
    ...files.accessLogs.map(accessLogFinding),
  ]);
}

async function keyFinding(file: string): Promise<Finding> {
  try {
    const keys = await readKeyFile(file);
    const count = keys.length === 1 ? "1 key" : `${keys.length} keys`;
    return ok("key", `${file} holds ${count}`);
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

async function accessLogFinding(file: string): Promise<Finding> {
  try {
    await access(file, constants.R_OK);
    if ((await stat(file)).isFile()) return ok("access_log", `${file} can be read`);
    return failed("access_log", `${file} is no regular file`, "correct accessLog");
  } catch (error) {
    const found = `${file} cannot be read: ${reasonOf(error)}`;
    if (errorCode(error) !== "ENOENT") return failed("access_log", found, "make it readable");
    return warning("access_log", found, "correct accessLog, unless the web server never ran here");
  }
}
