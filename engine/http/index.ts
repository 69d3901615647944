export type { AdminEvent, AdminParts, Guard, OperatedEngine } from "./admin/admin.ts";
export { type Credential, createCredential } from "./admin/credential.ts";
export { createAdminServer, createMetricsServer } from "./admin/server.ts";
export type { DecisionsView, LiveState } from "./admin/state.ts";
export type { Vitals } from "./admin/vitals.ts";
export {
  ACCESS_PROBLEMS,
  type AccessParts,
  baseOf,
  type EnforcementPoint,
  type Mapping,
  REQUESTS,
  readMapping,
  serveAuthzen,
} from "./authzen/index.ts";
export { type DataApiParts, serveDataApi } from "./data-api.ts";
export { serveEvents } from "./events.ts";
export { type ProxyMapping, readProxyMapping, serveForwardAuth } from "./forward-auth/index.ts";
export { withholding } from "./hand-out.ts";
export {
  DEFAULT_HOST,
  DEFAULT_PORT,
  isLoopback,
  type Listening,
  type ListenParts,
  ListenRefused,
  listen,
} from "./listen.ts";
export { type Measured, type Measures, measured } from "./measured.ts";
export { PROBLEMS, type Problem, type ProblemName } from "./problem.ts";
export { createServer, type ServerParts } from "./server.ts";
export type { DecisionService } from "./service.ts";
export { listenOnSocket, shortest } from "./socket.ts";
export { serveTasks } from "./tasks.ts";
export { type Traced, traced } from "./traced.ts";
export { Waits } from "./waits.ts";
