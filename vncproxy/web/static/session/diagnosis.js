/** Finds out why a web socket closed, where its close code and reason do not say enough. */

import { language } from "../texts/texts.js";

/** Milliseconds to wait for an ordinary response; a busy gateway takes three seconds. */
const ANSWER_TIME = 6_000;

/**
 * Collect further facts about a closed connection.
 * @param {{code: number, reason: string, connected: boolean}} closed
 * @returns {Promise<object>} further arguments of `explain`
 */
export async function diagnose({ code, reason, connected }) {
    if (code === 4001) {
        return { cookies: keepsCookies() };
    }
    return code === 1006 && !connected && !reason ? { answered: await probe() } : {};
}

/** Browsers hide the response to a failed upgrade, so the same address is requested without one. */
async function probe() {
    try {
        const signal = AbortSignal.timeout(ANSWER_TIME);
        const answer = await fetch(`websockify?lang=${language}`, { cache: "no-store", signal });
        return { status: answer.status, text: await plainText(answer) };
    } catch {
        return null;
    }
}

/** The gateway's refusals are one line of plain text; a reverse proxy's error page is not. */
async function plainText(answer) {
    const plain = answer.headers.get("content-type")?.startsWith("text/plain");
    return plain ? (await answer.text()).trim().slice(0, 200) : "";
}

/** Whether the browser keeps cookies of this page, without which it cannot re-enter a console. */
export function keepsCookies() {
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
