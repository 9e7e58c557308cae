import { exitCodes } from "./failure.ts";
import { writeKeyFile } from "./key-file.ts";

/** `failover keygen [FILE]`. */
export async function runKeygen(file: string): Promise<number> {
  await writeKeyFile(file);
  process.stdout.write(
    [
      `A new key is in ${file}. Copy it to the other machine:`,
      `  scp -p ${file} root@OTHER:${file}`,
      "",
    ].join("\n"),
  );
  return exitCodes.done;
}
