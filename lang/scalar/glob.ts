/**
 * Whether the whole text fits the pattern, in which `*` stands for any characters, none included, and
 * everything else for itself (SPEC §5.6). Two pointers and the last `*`: at worst pattern × text steps,
 * never exponential.
 */
export function globMatches(text: string, pattern: string): boolean {
  let [at, in_] = [0, 0];
  let star = -1;
  let retry = 0;
  while (at < text.length) {
    if (pattern[in_] === "*") {
      star = in_++;
      retry = at;
    } else if (in_ < pattern.length && pattern[in_] === text[at]) {
      at++;
      in_++;
    } else if (star >= 0) {
      in_ = star + 1;
      at = ++retry;
    } else {
      return false;
    }
  }
  while (pattern[in_] === "*") in_++;
  return in_ === pattern.length;
}
