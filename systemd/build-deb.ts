import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync } from "node:fs";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

/*
 * `npm run deb [-- DIRECTORY]`: a package for any Debian 12 or later and Ubuntu 22.04 or later, whatever Node they have.
 * It holds the compiled program, its production dependencies and the very Node that runs this script:
 * what was tested is what is installed, and nothing is fetched. Staged here, packed by debhelper.
 */

const root = resolve(import.meta.dirname, "..");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly version: string;
};

/** Of the dependencies: commands, sources and types that nobody loads, and the other C library. */
const unused = new RegExp(
  [
    "/node_modules/koffi/(doc|lib|vendor|cnoke.cjs|src/koffi/src/trampolines.cjs)$",
    "/node_modules/@koromix/.*/musl_",
    "/node_modules/.*/(bin|bin.mjs|browser|[.][^/]+)$",
    "/node_modules/.*[.](d[.][cm]?ts|map)$",
  ].join("|"),
);

const target = resolve(process.argv[2] ?? root);
const place = mkdtempSync(join(tmpdir(), "failover-deb-"));
try {
  const stage = join(place, `failover-${version}`);
  refuseRuntimeOfADistribution(process.execPath);
  stageProgram(join(stage, "usr/lib/failover"));
  stageFiles(stage);
  stageDebian(join(stage, "debian"));
  execFileSync("dpkg-buildpackage", ["--build=binary", "--no-sign", "--no-check-builddeps"], {
    cwd: stage,
    stdio: ["ignore", "ignore", "inherit"],
  });
  for (const name of readdirSync(place).filter((one) => one.endsWith(".deb"))) {
    cpSync(join(place, name), join(target, name));
    process.stdout.write(`${join(target, name)}\n`);
  }
} finally {
  rmSync(place, { recursive: true });
}

/**
 * Node as nodejs.org and NodeSource build it carries everything but the C and C++ libraries, which only
 * have to be newer than that of 2018. The nodejs of a distribution is linked to a dozen libraries of just
 * that release, and would not start on the next.
 */
function refuseRuntimeOfADistribution(binary: string): void {
  const allowed = /^(ld-linux.*|lib(c|dl|m|pthread|rt|atomic|gcc_s|stdc\+\+))\.so\.\d+$/;
  const headers = execFileSync("objdump", ["-p", binary], { encoding: "utf8" });
  const needed = [...headers.matchAll(/NEEDED\s+(\S+)/g)].map(([, name = ""]) => name);
  const others = needed.filter((name) => !allowed.test(name));
  if (others.length === 0) return;
  throw new Error(
    `Cannot put ${binary} into a package: it needs ${others.join(", ")} of this release; run this with a Node from nodejs.org or NodeSource`,
  );
}

/** The lock file knows what production needs; the platform's own binaries are those that npm installed. */
function stageProgram(home: string): void {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
  };
  const production = Object.entries(lock.packages)
    .filter(([path, { dev }]) => path !== "" && dev !== true && existsSync(join(root, path)))
    .map(([path]) => path);
  for (const path of ["dist", "package.json", ...production])
    cpSync(join(root, path), join(home, path), {
      recursive: true,
      dereference: true,
      filter: (source) => !unused.test(source),
    });
  cpSync(process.execPath, join(home, "node"));
  // Nothing finds a node by itself here: the launcher names it.
  const main = join(home, "dist/cli/main.js");
  writeFileSync(main, readFileSync(main, "utf8").replace(/^#!.*\n/, ""));
}

function stageFiles(stage: string): void {
  const put = (from: string, to: string) => {
    mkdirSync(dirname(join(stage, to)), { recursive: true });
    cpSync(join(root, from), join(stage, to), { recursive: true });
  };
  // Not under the name that is read: `failover init` writes that file, which is then nobody's but the administrator's.
  put("systemd/example.yaml", "etc/failover/example.yaml");
  put("systemd/completion/failover.bash", "usr/share/bash-completion/completions/failover");
  put("systemd/completion/failover.zsh", "usr/share/zsh/vendor-completions/_failover");
  put("systemd/completion/failover.fish", "usr/share/fish/vendor_completions.d/failover.fish");
  for (const name of ["docs", "README.md", "CHANGELOG.md"]) put(name, name);
  const home = "/usr/lib/failover";
  mkdirSync(join(stage, "usr/sbin"), { recursive: true });
  writeFileSync(
    join(stage, "usr/sbin/failover"),
    `#!/bin/sh\nexec ${home}/node ${home}/dist/cli/main.js "$@"\n`,
    { mode: 0o755 },
  );
}

function stageDebian(debian: string): void {
  cpSync(join(root, "systemd/debian"), debian, { recursive: true });
  chmodSync(join(debian, "rules"), 0o755);
  cpSync(join(root, "systemd/failover.logrotate"), join(debian, "failover.logrotate"));
  for (const unit of ["failover.service", "failover@.service"])
    writeFileSync(
      join(debian, unit),
      packagedUnit(readFileSync(join(root, "systemd", unit), "utf8")),
    );
  const date = new Date().toUTCString().replace("GMT", "+0000");
  const signature = "The failover authors <failover@users.noreply.github.com>";
  writeFileSync(
    join(debian, "changelog"),
    `failover (${debianVersion()}) unstable; urgency=medium\n\n  * See changelog.gz.\n\n -- ${signature}  ${date}\n`,
  );
}

/** The program of this package and no other: /usr/local/bin, where npm puts its own, stands before /usr/sbin in PATH. */
function packagedUnit(text: string): string {
  return text
    .replaceAll("/usr/bin/env failover", "/usr/sbin/failover")
    .replaceAll("exec failover", "exec /usr/sbin/failover");
}

/**
 * A release is called as its tag is. Whatever else is built tells when and from which commit, and sorts before
 * the release to come: no two builds of a different program have one number, and apt knows the later one.
 */
function debianVersion(): string {
  // A prerelease sorts before its release in Debian's order only behind a tilde.
  const release = version.replace("-", "~");
  const changed = git("status", "--porcelain");
  if (changed === undefined) return release;
  if (changed === "" && git("tag", "--points-at", "HEAD")?.includes(`v${version}`)) return release;
  const [seconds = "", commit = ""] = git("log", "-1", "--format=%ct %h")?.split(" ") ?? [];
  const built = changed === "" ? new Date(Number(seconds) * 1000) : new Date();
  const stamp = built.toISOString().replace(/[-:T]/g, "").slice(0, 14);
  return `${release}~${stamp}.${commit}${changed === "" ? "" : ".changed"}`;
}

/** Undefined where this directory is no repository, such as an unpacked archive. */
function git(...args: readonly string[]): string | undefined {
  if (!existsSync(join(root, ".git"))) return undefined;
  try {
    return execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: "pipe" }).trim();
  } catch {
    return undefined;
  }
}
