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

/** Everything that a service can be told, in the order of `writ serve --help`. */
export const SERVE_OPTIONS: readonly Option[] = [
  ...under("What decides", [...POLICY_OPTIONS, ...SHADOW_OPTIONS]),
  ...under("Where it listens", LISTENING_OPTIONS),
  ...under("Who asks, who approves, who grants", [
    ...IDENTITY_OPTIONS,
    ...GRANT_OPTIONS,
    ...TASK_OPTIONS,
  ]),
  ...under("What is remembered", STATE_OPTIONS),
  ...under("What is recorded", AUDIT_OPTIONS),
  ...under("Operators, metrics and traces", [
    ...ADMIN_OPTIONS,
    ...METRICS_OPTIONS,
    ...TRACE_OPTIONS,
  ]),
  ...under("Other ways to ask", DOORS_OPTIONS),
  ...under("Rego", [...SERVED_REGO_OPTIONS, ...MODULE_OPTIONS]),
  CONFIG_OPTION,
];

function under(heading: string, options: readonly Option[]): readonly Option[] {
  return options.map((option) => ({ ...option, heading }));
}
