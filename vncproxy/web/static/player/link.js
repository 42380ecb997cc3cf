/** Reads the page's address: the recording, the secret that lets this user watch it, a moment. */

import { SECOND } from "./moments.js";

/**
 * Read the address, and take the secret out of it: of what is seen, stored in the history, or sent on.
 * @returns {{address: string, token: string, moment: ?number}} the moment in microseconds
 */
export function readLink() {
    const url = new URL(location.href);
    const address = url.origin + url.pathname.replace(/\/+$/, "");
    const token = url.searchParams.get("token") || stored(address);
    if (url.searchParams.has("token") && store(address, token)) {
        url.searchParams.delete("token");
        history.replaceState(null, "", url);
    }
    return { address, token, moment: momentOf(url.hash) };
}

/** @returns {?number} microseconds, of a fragment such as `#t=754.2` */
export function momentOf(hash) {
    const seconds = new URLSearchParams(hash.slice(1)).get("t");
    return seconds !== null && /^\d{1,7}(\.\d{1,6})?$/.test(seconds) ? Math.round(seconds * SECOND) : null;
}

/** Keep the moment in the address of the page, so that a reload comes back to it. */
export function keepMoment(moment) {
    const url = new URL(location.href);
    url.hash = fragment(moment);
    if (url.href !== location.href) {
        history.replaceState(null, "", url);
    }
}

/** @returns {string} a link that works for whoever has it, at this moment */
export function linkTo({ address, token }, moment) {
    const url = new URL(address);
    url.searchParams.set("token", token);
    url.hash = fragment(moment);
    return url.href;
}

function fragment(moment) {
    return `t=${(Math.floor(moment / 100_000) / 10).toFixed(1)}`;
}

/** The tab keeps the secret for a reload; browsers may forbid a page to store anything. */
function store(address, token) {
    try {
        sessionStorage.setItem(`vncproxy.review.${address}`, token);
        return true;
    } catch {
        return false;
    }
}

function stored(address) {
    try {
        return sessionStorage.getItem(`vncproxy.review.${address}`) ?? "";
    } catch {
        return "";
    }
}
