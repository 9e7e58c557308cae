import type { Whereabouts } from "./agent-access.ts";
import { type Finding, failed, ok } from "./check/finding.ts";
import type { Configuration } from "./configuration/configuration.ts";
import { configurationDigest } from "./configuration/digest.ts";
import { loadConfiguration } from "./configuration/load.ts";
import { unsupported } from "./configuration/unsupported.ts";
import { type Drift, driftLines } from "./drift/compare.ts";
import type { Fingerprint } from "./drift/fingerprint.ts";
import { type ExitCode, exitCodes, Failure } from "./failure.ts";
import { oneLine } from "./logging.ts";
import { type Paint, paintFor } from "./terminal.ts";

export interface CheckOptions extends Whereabouts {
  readonly node?: string;
  readonly configOnly: boolean;
  readonly json: boolean;
  /** The other machine's fingerprint: a file, or - for standard input. */
  readonly drift?: string;
}

/** `failover check [--config-only] [--drift FILE] [--json]`. */
export async function runCheck(options: CheckOptions): Promise<number> {
  const parsed = await readConfiguration(options.config);
  if (parsed.kind === "invalid") return report(parsed.findings, exitCodes.usage, options);
  const { configuration } = parsed;
  const [first, second] = configuration.nodes;
  const digest = configurationDigest(configuration);
  const nodes = `nodes ${first.name} and ${second.name}`;
  const findings: Finding[] = [
    ok(
      "configuration",
      `${options.config}: pair ${configuration.pair}, ${nodes}, digest ${digest}`,
    ),
    ...unsupported(configuration).map((found) =>
      failed("configuration", found, "the agent does not start with it"),
    ),
  ];
  let drift: Drift | undefined;
  if (!options.configOnly) {
    const { allFindings } = await import("./check/all-findings.ts");
    const theirs = options.drift === undefined ? undefined : await theirFingerprint(options.drift);
    const checked = await allFindings(configuration, { ...options, theirs });
    findings.push(...checked.findings);
    drift = checked.drift;
  }
  const anyFailed = findings.some(({ level }) => level === "failed");
  return report(findings, anyFailed ? exitCodes.refused : exitCodes.done, options, drift);
}

async function theirFingerprint(file: string): Promise<Fingerprint> {
  const { fingerprintFrom } = await import("./drift/read.ts");
  return fingerprintFrom(file);
}

/** `failed   key          it does not exist; …`, and below it what to do. */
export function findingLines({ level, subject, found, advice }: Finding, paint: Paint): string[] {
  const style = { ok: "green", warning: "yellow", failed: "red" } as const;
  const words = `${paint(style[level], level.padEnd(7))}  ${subject.padEnd(13)}  ${oneLine(found)}`;
  return advice === "" ? [words] : [words, `${" ".repeat(24)}→ ${oneLine(advice)}`];
}

type Read =
  | { readonly kind: "valid"; readonly configuration: Configuration }
  | { readonly kind: "invalid"; readonly findings: readonly Finding[] };

async function readConfiguration(file: string): Promise<Read> {
  try {
    return { kind: "valid", configuration: await loadConfiguration(file) };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const [what = "", ...problems] = error.message.split("\n");
    const sentences = problems.length === 0 ? [what] : problems.map((line) => line.trim());
    const findings = sentences.map((found) => failed("configuration", found, ""));
    return { kind: "invalid", findings };
  }
}

function report(
  findings: readonly Finding[],
  code: ExitCode,
  { json }: CheckOptions,
  drift?: Drift,
): ExitCode {
  const paint = paintFor(process.stdout);
  const table = drift === undefined ? [] : driftLines(drift, paint);
  const text = json
    ? JSON.stringify({ findings, ...(drift && { drift }) }, null, 2)
    : [...findings.flatMap((finding) => findingLines(finding, paint)), ...table].join("\n");
  process.stdout.write(`${text}\n`);
  return code;
}
