/** What the commands answer to a shell; scripts rely on it. */
export const exitCodes = {
  done: 0,
  /** Anything unforeseen: a defect, or a machine in a state that nobody thought of. */
  broken: 1,
  /** Usage or configuration. */
  usage: 2,
  /** Refused, nothing moved; `check`: something failed. */
  refused: 3,
  rolledBack: 4,
  /** The agent did not answer, or the outcome is unknown. */
  unknown: 5,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** An end that was foreseen: its message goes to standard error as it is, its code to the shell. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** `ENOENT` and its kin; empty for anything that is not an error of the system. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : "";
}

/** The cause in words that follow a colon, without the system call and path that Node adds. */
export function reasonOf(error: unknown): string {
  switch (errorCode(error)) {
    case "ENOENT":
      return "there is no such file or directory";
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "ENOSPC":
      return "the disk is full";
    case "EROFS":
      return "the file system is read-only";
    case "EISDIR":
      return "it is a directory";
    case "ENOTDIR":
      return "a part of the path is no directory";
    case "ENOTFOUND":
      return "no name server knows the name";
    case "EAI_AGAIN":
      return "no name server answers";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
