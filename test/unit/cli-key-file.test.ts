import { chmod, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";

import { addKey, keepNewestKey, readKeyFile, writeKeyFile } from "../../src/cli/key-file.ts";
import { ownershipFault } from "../../src/cli/ownership.ts";
import { scratch } from "./cli-fixtures.ts";

/** SHA-256 of 32 bytes of 0x00 begins with 66, of 0x11 with 02. */
const zeros = "00".repeat(32);
const ones = "11".repeat(32);

test("a new key is 32 bytes that only its owner can read, whatever the umask", async () => {
  await using place = await scratch();
  const umask = process.umask(0o777);
  await writeKeyFile(place.path("key")).finally(() => process.umask(umask));
  expect((await stat(place.path("key"))).mode & 0o7777).toBe(0o600);
  expect(await readFile(place.path("key"), "utf8")).toMatch(/^[0-9a-f]{64}\n$/);
  const [key, ...others] = await readKeyFile(place.path("key"));
  expect(key.bytes).toHaveLength(32);
  expect(others).toEqual([]);
});

test("a key that is there is not written over", async () => {
  await using place = await scratch();
  await writeFile(place.path("key"), zeros);
  await expect(writeKeyFile(place.path("key"))).rejects.toThrow("it exists already");
  expect(await readFile(place.path("key"), "utf8")).toBe(zeros);
});

async function readText(text: string, mode = 0o600) {
  await using place = await scratch();
  await writeFile(place.path("key"), text);
  await chmod(place.path("key"), mode);
  return await readKeyFile(place.path("key"));
}

test("several keys are read in their order, with ids made from them", async () => {
  const keys = await readText(`# the new one\n${ones.toUpperCase()}\n\n  ${zeros}  \n`);
  expect(keys.map(({ id }) => id)).toEqual([0x02, 0x66]);
  expect(keys.map(({ bytes }) => bytes[0])).toEqual([0x11, 0x00]);
});

test.each([
  ["", "it holds no key"],
  ["# nothing\n", "it holds no key"],
  [`${zeros}\n${zeros.slice(1)}\n`, "line 2 is not 64 hex digits"],
  [`${zeros.slice(1)}x`, "line 1 is not 64 hex digits"],
  [`${zeros}\n\n${zeros}\n`, "line 3 has the same id as a key above it"],
  [
    ["01", "02", "03", "04", "05"].map((byte) => byte.repeat(32)).join("\n"),
    "it holds 5 keys, and 4",
  ],
])("a key file with faults is refused and not repeated: %#", async (text, reason) => {
  const refused = readText(text);
  await expect(refused).rejects.toThrow(reason);
  await expect(refused).rejects.not.toThrow("00000000");
});

test.each([
  [0o640, "its mode is 0640; chmod 600 "],
  [0o604, "its mode is 0604; chmod 600 "],
  [0o620, "its mode is 0620; chmod 600 "],
  [0o601, "its mode is 0601; chmod 600 "],
])("a key file of mode %o is refused with the command that mends it", async (mode, reason) => {
  await expect(readText(zeros, mode)).rejects.toThrow(reason);
});

test("a key file may be read-only, and behind a link", async () => {
  await using place = await scratch();
  await writeFile(place.path("key"), zeros, { mode: 0o400 });
  await symlink(place.path("key"), place.path("link"));
  expect(await readKeyFile(place.path("link"))).toHaveLength(1);
});

test("a key file that is missing is told how to be made", async () => {
  await expect(readKeyFile("/nonexistent/key")).rejects.toThrow(
    "Cannot use the key file /nonexistent/key: it does not exist; " +
      "failover keygen /nonexistent/key makes one",
  );
  await expect(readKeyFile("/")).rejects.toThrow("it is no regular file");
});

test("a file of a stranger is refused with the command that mends it", () => {
  const us = process.geteuid?.() ?? 0;
  const rule = { forbidden: 0o077, mended: "600" };
  expect(ownershipFault("/k", { uid: us + 1, mode: 0o100600 }, rule)).toBe(
    `it belongs to user ${us + 1}; chown ${us === 0 ? "root" : us} /k`,
  );
  expect(ownershipFault("/k", { uid: us, mode: 0o100600 }, rule)).toBeUndefined();
  expect(ownershipFault("/k", { uid: 0, mode: 0o100400 }, rule)).toBeUndefined();
});

test("a key is put before the others, in a file that is never half written", async () => {
  await using place = await scratch();
  await writeFile(place.path("real"), `# the old one\n${zeros}\n`, { mode: 0o600 });
  await symlink(place.path("real"), place.path("key"));
  const given = await addKey(place.path("key"), ones);
  expect(given.map(({ id }) => id)).toEqual([0x02, 0x66]);
  expect(await readFile(place.path("real"), "utf8")).toBe(`${ones}\n# the old one\n${zeros}\n`);
  expect((await stat(place.path("real"))).mode & 0o7777).toBe(0o600);
  const drawn = await addKey(place.path("key"), undefined);
  expect(drawn).toHaveLength(3);
  expect(await readKeyFile(place.path("key"))).toEqual(drawn);
  expect(await readdir(place.directory)).toEqual(["key", "real"]);
});

test("the newest key stays with the comments, the others go", async () => {
  await using place = await scratch();
  await writeFile(place.path("key"), `# ours\n${ones}\n${zeros}\n`, { mode: 0o600 });
  const keys = await keepNewestKey(place.path("key"));
  expect(keys.map(({ id }) => id)).toEqual([0x02, 0x66]);
  expect(await readFile(place.path("key"), "utf8")).toBe(`# ours\n${ones}\n`);
});

test.each([
  [zeros, "it holds a key with the id 102 already"],
  ["12", "Cannot add this key: it is not 64 hex digits"],
])("a key that cannot be added leaves the file as it was: %#", async (given, reason) => {
  await using place = await scratch();
  await writeFile(place.path("key"), `${zeros}\n`, { mode: 0o600 });
  await expect(addKey(place.path("key"), given)).rejects.toThrow(reason);
  expect(await readFile(place.path("key"), "utf8")).toBe(`${zeros}\n`);
});

test("a fifth key is refused", async () => {
  await using place = await scratch();
  await writeFile(place.path("key"), `${zeros}\n`, { mode: 0o600 });
  for (let count = 2; count <= 4; count += 1) await addKey(place.path("key"), undefined);
  await expect(addKey(place.path("key"), undefined)).rejects.toThrow("it holds 4 keys already");
});
