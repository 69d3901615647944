/** The body of an access request (ARAP, Access Request Submission). Pure. */
import { isObject, optionally, type Problem, readId, report, wrong } from "../../value-reader.ts";
import { type Parts, readTuple, type Tuple } from "./entities.ts";

export interface SubmittedBody {
  readonly tuple: Tuple;
  readonly denial: SubmittedDenial;
  /** Who is said to act, the immediate actor first. */
  readonly actors: readonly ClaimedActor[];
}

export interface SubmittedDenial {
  readonly expiresAt?: string | undefined;
  readonly bindingToken?: string | undefined;
  readonly evaluation?: string | undefined;
}

export interface ClaimedActor {
  readonly id: string;
  readonly issuer?: string | undefined;
}

/** What would be ignored here is refused: the caller would wait for what never comes. */
const NOT_TAKEN: Readonly<Record<string, string>> = {
  items: "is not taken: ask for each call by itself",
  callback: "is not taken: nobody is called back, ask for the status of the task",
};

export function readSubmission(json: unknown, problems: Problem[]): SubmittedBody | undefined {
  if (!isObject(json)) return wrong(problems, "", "an object", json);
  const given: Parts = json;
  for (const [name, why] of Object.entries(NOT_TAKEN)) {
    if (given[name] !== undefined) report(problems, `/${name}`, why);
  }
  const tuple = readTuple(given, problems);
  const denial = readDenial(given.denial, problems);
  const actors = readActors(given.client, problems);
  return tuple === undefined ? undefined : { tuple, denial, actors };
}

/** What is missing binds to nothing, which is not for the reader to say. */
function readDenial(json: unknown, problems: Problem[]): SubmittedDenial {
  if (json === undefined) return {};
  if (!isObject(json)) return wrong(problems, "/denial", "an object", json) ?? {};
  const text = (name: string) => {
    const value = json[name];
    if (value === undefined || typeof value === "string") return value;
    return wrong(problems, `/denial/${name}`, "text", value);
  };
  return {
    expiresAt: text("expires_at"),
    bindingToken: text("binding_token"),
    evaluation: text("evaluation_id"),
  };
}

/** As many as a chain has hops (SPEC §12.2). */
const ACTORS_MOST = 8;

function readActors(client: unknown, problems: Problem[]): readonly ClaimedActor[] {
  if (client === undefined) return [];
  if (!isObject(client)) return wrong(problems, "/client", "an object", client) ?? [];
  const actors: ClaimedActor[] = [];
  let at = "/client/actor";
  let [id, issuer] = ["id", "issuer"];
  for (let actor = client.actor; actor !== undefined; actor = actor.act) {
    if (actors.length === ACTORS_MOST) return report(problems, at, "is one too many") ?? [];
    if (!isObject(actor)) return wrong(problems, at, "an object", actor) ?? [];
    actors.push({
      id: readId(actor[id], `${at}/${id}`, problems) ?? "",
      issuer: optionally(readId, actor[issuer], `${at}/${issuer}`, problems),
    });
    at = `${at}/act`;
    [id, issuer] = ["sub", "iss"];
  }
  return actors;
}
