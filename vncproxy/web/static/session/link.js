/** Reads the page's address: the token of the console, and how to show it. */

/**
 * @typedef {object} Link
 * @property {string} token - the secret that stands for one console; "" when there is none
 * @property {boolean} viewOnly
 * @property {string} title - the machine's name as the link has it, or ""
 * @property {string} resize - noVNC's word for the scaling: "scale", "off", "remote", or ""
 * @property {?number} quality - JPEG quality, 0 to 9
 * @property {?number} compression - compression level, 0 to 9
 * @property {boolean} compact - whether the toolbar is hidden, for pages in a frame
 * @property {string} lang - tag of the page's language, or ""
 * @property {string} accent - colour of buttons, as six hexadecimal digits, or ""
 * @property {string} surface - colour of the toolbar and of cards, in the same way
 */

/**
 * Read the settings from the fragment or the query; the fragment wins, as in noVNC's own page.
 * @param {string} href - address of the page
 * @returns {Link}
 */
export function readLink(href) {
    const url = new URL(href);
    const places = [url.hash.slice(1), url.search, escapedQuery(url.pathname)].map(parameters);
    const setting = (name) => places.map((place) => last(place, name)).find(Boolean) ?? "";
    return {
        token: setting("token") || places.map(tokenInPath).find(Boolean) || "",
        viewOnly: /^(1|true|yes|on)$/i.test(setting("view_only")),
        title: setting("title"),
        resize: setting("resize"),
        quality: level(setting("quality")),
        compression: level(setting("compression")),
        compact: /^(1|true|yes|on)$/i.test(setting("compact")),
        lang: setting("lang"),
        accent: colour(setting("accent")),
        surface: colour(setting("surface")),
    };
}

/**
 * The address of the web socket, relative to the page so that a path prefix is kept. It says that the page
 * follows its machine unless it was sent on too often: the link is not spent then. It says as well that the
 * page understands messages beside the console.
 * @param {string} href - address of the page
 * @param {string} token
 * @param {boolean} moves - whether the page enters the console again when the gateway asks it to
 * @param {string} language - in which the gateway gives reasons
 */
export function socketURL(href, token, moves, language) {
    const url = new URL("websockify", href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("token", token);
    url.searchParams.set("talks", "1");
    if (language) {
        url.searchParams.set("lang", language);
    }
    if (timesFollowed(href) < MOST_FOLLOWED) {
        url.searchParams.set("follows", "1");
    }
    if (moves) {
        url.searchParams.set("moves", "1");
    }
    for (const name of ["reenter", "confirmed"]) {
        const value = new URL(href).searchParams.get(name);
        if (value) {
            url.searchParams.set(name, value);
        }
    }
    return url.href;
}

/** Whether the user has confirmed that the console is to be opened. */
export const isConfirmed = (socket) => new URL(socket).searchParams.has("confirmed");

/** Times that a page is sent on before it stops: two hosts may each say that the machine is on the other. */
const MOST_FOLLOWED = 5;
const SETTINGS = ["view_only", "title", "resize", "quality", "compression", "compact", "lang", "accent", "surface"];

/**
 * The address of the page at the proxy that shows the console now, with the settings of this page.
 * @param {string} href - address of this page
 * @param {string} target - as the gateway has sent it
 * @param {boolean} isConfirmed - whether the user has confirmed that the console is to be opened
 * @returns {string} "" where the page does not go there: too often, not http, or no longer encrypted
 */
export function followed(href, target, isConfirmed) {
    const from = new URL(href);
    const setting = settingsIn(from);
    const times = 1 + timesFollowed(href);
    const url = URL.canParse(target) ? new URL(target) : null;
    const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && from.protocol === "http:");
    if (!isSafe || times > MOST_FOLLOWED) {
        return "";
    }
    for (const name of SETTINGS.filter(setting)) {
        url.searchParams.set(name, setting(name));
    }
    url.searchParams.set("followed", times);
    if (isConfirmed) {
        url.searchParams.set("confirmed", "1");
    }
    return url.href;
}

/** How often in a row the page was sent on. */
const timesFollowed = (href) => Number(settingsIn(new URL(href))("followed")) || 0;

/** Returns what reads a setting of an address by its name; the fragment wins. */
function settingsIn(url) {
    const places = [url.hash.slice(1), url.search, escapedQuery(url.pathname)].map(parameters);
    return (name) => places.map((place) => last(place, name)).find(Boolean) ?? "";
}

/** The page's address without what was good for entering once: a reload enters by a cookie. */
export function settled(href) {
    const url = new URL(href);
    for (const name of ["reenter", "followed", "confirmed"]) {
        url.searchParams.delete(name);
    }
    return url.href;
}

/** The address of the web socket once its console is shown: the page follows its machine again. */
export function arrived(socket) {
    const url = new URL(socket);
    url.searchParams.set("follows", "1");
    return url.href;
}

/** The address of the web socket after the user has confirmed that the console is to be opened. */
export function confirmed(socket) {
    const url = new URL(socket);
    url.searchParams.set("confirmed", "1");
    return url.href;
}

/** The address of the web socket for once, when the user takes the console back from another one. */
export function taking(socket) {
    const url = new URL(socket);
    url.searchParams.set("take", "1");
    return url.href;
}

/** The address of the web socket that has the machine started first, if it is off. */
export function starting(socket) {
    const url = new URL(socket);
    url.searchParams.set("start", "1");
    return url.href;
}

/**
 * Nova's links carry the token inside noVNC's `path` setting, `?path=%3Ftoken%3DX`; others have
 * `&` where the question mark should be.
 */
function tokenInPath(place) {
    const [path, query] = split(last(place, "path"), "?");
    return last(parameters(query ?? split(path, "&")[1] ?? ""), "token");
}

/** The query behind a question mark that a mail program has escaped into the path. */
function escapedQuery(path) {
    const [, query] = split(path.replaceAll("%3f", "%3F"), "%3F");
    try {
        return decodeURIComponent(query ?? "");
    } catch {
        return "";
    }
}

const parameters = (query) => new URLSearchParams(query);

/** The last of a parameter's values that is not blank, without white space added by mail programs. */
const last = (place, name) =>
    place.getAll(name).map((value) => value.replace(/^[\s\u200b]+|[\s\u200b]+$/g, "")).findLast(Boolean) ?? "";

/** The text before and after the first separator; the second is undefined without one. */
function split(text, separator) {
    const at = text.indexOf(separator);
    return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}

function level(text) {
    return /^[0-9]$/.test(text) ? Number(text) : null;
}

function colour(text) {
    return /^#?[0-9a-f]{6}$/i.test(text) ? text.slice(-6).toLowerCase() : "";
}
