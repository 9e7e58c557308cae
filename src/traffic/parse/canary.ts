/**
 * Our own requests, and how they are known again in an access_log. Marked twice, because a log in
 * the common format has no user agent, and because a proxy may replace the user agent but not the
 * target.
 *
 * A stranger may copy the mark. It gains nothing: the request is left out of the counts, and a tag
 * proves something only to the one who drew it.
 */

export interface CanaryMark {
  /** Value of the User-Agent header. */
  readonly userAgent: string;
  /** The request target, with the mark as the last member of its query. */
  readonly target: string;
}

/** Marks a request for `target` (`/`, `/health?full`) with a tag of 1 to 40 of `0-9 a-z -`. */
export function markCanary(tag: string, target: string): CanaryMark {
  if (!wholeTag.test(tag)) throw new Error(`Cannot mark a request: "${tag}" is not a tag`);
  const joint = target.includes("?") ? "&" : "?";
  return {
    userAgent: `failover-canary/1 (${tag})`,
    target: `${target}${joint}failover-canary=${tag}`,
  };
}

/** What occurs in every line of ours and almost no other: asked first, since it is cheap. */
export const canaryWord = "failover-canary";

/** The tag of a request of ours; undefined where the line is somebody else's. */
export function canaryTag(request: string, userAgent: string | undefined): string | undefined {
  const agent = userAgent === undefined ? null : agentPattern.exec(userAgent);
  return (agent ?? requestPattern.exec(request))?.[1];
}

const wholeTag = /^[0-9a-z-]{1,40}$/;
const agentPattern = /^failover-canary\/1 \(([0-9a-z-]{1,40})\)$/;
/** Only in the query of the target: a path or a fragment of the same words is not ours. */
const requestPattern = /^\S+ [^ ?#]*\?(?:[^ #]*&)?failover-canary=([0-9a-z-]{1,40})(?=[& #]|$)/;
