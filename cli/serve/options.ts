import type { Option } from "../command.ts";
import { ADMIN_OPTIONS } from "./admin.ts";
import { AUDIT_OPTIONS } from "./audit.ts";
import { CONFIG_OPTION } from "./config.ts";
import { DOORS_OPTIONS } from "./doors.ts";
import { GRANT_OPTIONS } from "./grants.ts";
import { IDENTITY_OPTIONS } from "./identity.ts";
import { LISTENING_OPTIONS } from "./listening.ts";
import { METRICS_OPTIONS } from "./metrics.ts";
import { MODULE_OPTIONS } from "./modules.ts";
import { POLICY_OPTIONS } from "./policy.ts";
import { SERVED_REGO_OPTIONS } from "./rego.ts";
import { SHADOW_OPTIONS } from "./shadow.ts";
import { STATE_OPTIONS } from "./state.ts";
import { TASK_OPTIONS } from "./tasks.ts";
import { TRACE_OPTIONS } from "./traces.ts";

/** Everything that a service can be told. */
export const SERVE_OPTIONS: readonly Option[] = [
  CONFIG_OPTION,
  ...LISTENING_OPTIONS,
  ...STATE_OPTIONS,
  ...ADMIN_OPTIONS,
  ...METRICS_OPTIONS,
  ...TRACE_OPTIONS,
  ...AUDIT_OPTIONS,
  ...DOORS_OPTIONS,
  ...IDENTITY_OPTIONS,
  ...GRANT_OPTIONS,
  ...TASK_OPTIONS,
  ...MODULE_OPTIONS,
  ...SERVED_REGO_OPTIONS,
  ...POLICY_OPTIONS,
  ...SHADOW_OPTIONS,
];
