/**
 * Every builtin that a module may ask its host for, by name. What reaches out (`http.send`, `net.lookup_ip_addr`),
 * tells of this machine (`opa.runtime`) or signs (`io.jwt.encode_sign`) is not there. Pure.
 */
import type { Builtin } from "./builtin.ts";
import { CRYPTO } from "./crypto.ts";
import { JWT } from "./jwt.ts";
import { NAMES } from "./names.ts";
import { NET } from "./net.ts";
import { NUMBERS } from "./numbers.ts";
import { REGEX } from "./regex.ts";
import { SEMVER } from "./semver.ts";
import { STRINGS } from "./strings.ts";
import { TIME } from "./time.ts";
import { URI } from "./uri.ts";
import { VALUES } from "./values.ts";
import { YAML } from "./yaml.ts";

export const BUILTINS: ReadonlyMap<string, Builtin> = new Map([
  ...STRINGS,
  ...NUMBERS,
  ...SEMVER,
  ...VALUES,
  ...YAML,
  ...REGEX,
  ...TIME,
  ...CRYPTO,
  ...JWT,
  ...NET,
  ...NAMES,
  ...URI,
]);
