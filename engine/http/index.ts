export {
  DEFAULT_HOST,
  DEFAULT_PORT,
  type Listening,
  type ListenParts,
  ListenRefused,
  listen,
} from "./listen.ts";
export { PROBLEMS, type Problem, type ProblemName } from "./problem.ts";
export { createServer, type ServerParts } from "./server.ts";
export type { DecisionService } from "./service.ts";
