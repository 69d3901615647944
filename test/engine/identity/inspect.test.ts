import { expect, test } from "vitest";
import { inspectTokens } from "../../../engine/identity/inspect.ts";
import { HERE, NOW_S, sign, signer } from "../../support/identity.ts";

const stranger = signer();

test.each(["at+jwt", "txntoken+jwt", "writ-link+jwt", "JWT"])(
  "a token of type %s says what is wrong with it where a claim is no text",
  async (typ) => {
    for (const claims of [{ sub: {} }, { sub: [{}] }, { sub: "bot", iss: {} }]) {
      const token = await sign({ aud: HERE, exp: NOW_S, ...claims }, stranger, { typ });
      const { delegation } = await inspectTokens([token]);
      expect(delegation).toMatchObject({ ok: false, cause: "claims_invalid" });
    }
  },
);
