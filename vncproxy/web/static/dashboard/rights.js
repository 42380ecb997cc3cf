/** What the key of this tab may do: the API decides, and this page offers no more. */

/** The scopes that `admin` does not include. */
const OF_THEIR_OWN = new Set(["keys", "shadow", "approve", "review", "download"]);

/** @typedef {{name: string, scopes: string[], everything: boolean}} Self - what `GET /v1/self` answers */

/** The rights of a key. */
export class Rights {
    #scopes;

    /** @param {Self} self */
    constructor({ name, scopes, everything }) {
        this.name = name;
        this.everything = everything;
        this.#scopes = new Set(scopes);
    }

    /** Tell whether the key has one of several scopes. */
    may(...scopes) {
        const has = (scope) =>
            this.#scopes.has(scope) || (this.#scopes.has("admin") && !OF_THEIR_OWN.has(scope));
        return scopes.some(has);
    }

    /**
     * Return a sentence about what the key may not do; empty where it may do all of it.
     * @param {[string, string][]} wishes - scopes, and what each allows
     */
    missing(wishes) {
        const lacking = wishes.filter(([scope]) => !this.may(scope));
        if (!lacking.length) {
            return "";
        }
        const words = lacking.map(([scope, what]) => `${what} (scope ${scope})`);
        return `This key may not ${words.join(", nor ")}.`;
    }
}
