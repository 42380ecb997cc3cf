/** What keeps the browser from the console, where the web socket itself cannot say it. */

/** Milliseconds that the gateway has to answer an ordinary request; a busy one takes three seconds. */
const ANSWER_TIME = 6_000;

/**
 * Find out what an ending without words means.
 * @param {{code: number, reason: string, connected: boolean}} told
 * @returns {Promise<object>} what `explain` should know besides
 */
export async function findOut({ code, reason, connected }) {
    if (code === 4001) {
        return { cookies: keepsCookies() };
    }
    return code === 1006 && !connected && !reason ? { answered: await ask() } : {};
}

/** Browsers do not tell a page how an upgrade was answered; so the same place is asked again. */
async function ask() {
    try {
        const signal = AbortSignal.timeout(ANSWER_TIME);
        const answer = await fetch("websockify", { cache: "no-store", signal });
        return { status: answer.status, words: await words(answer) };
    } catch {
        return null;
    }
}

/** The gateway's refusals are one line of plain text; a proxy's page is none of them. */
async function words(answer) {
    const plain = answer.headers.get("content-type")?.startsWith("text/plain");
    return plain ? (await answer.text()).trim().slice(0, 200) : "";
}

function keepsCookies() {
    const [name, attributes] = ["vncproxy_probe", "; SameSite=None; Secure; Partitioned"];
    const rest = location.protocol === "https:" ? attributes : "; SameSite=Strict";
    try {
        document.cookie = `${name}=1${rest}`;
        const kept = document.cookie.includes(`${name}=1`);
        document.cookie = `${name}=; Max-Age=0${rest}`;
        return kept;
    } catch {
        return false; // a sandbox without an origin
    }
}
