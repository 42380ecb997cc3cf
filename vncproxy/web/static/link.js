/** What the address of the page says: which console to open, and how to show it. */

/**
 * @typedef {object} Link
 * @property {string} token - the secret that stands for one console; "" when there is none
 * @property {boolean} viewOnly
 * @property {string} title - a name for the machine given by whoever made the link, or ""
 * @property {string} resize - noVNC's word for the scaling: "scale", "off", "remote", or ""
 * @property {?number} quality - JPEG quality, 0 to 9
 * @property {?number} compression - compression level, 0 to 9
 */

/**
 * Read the settings from the fragment or the query; the fragment wins, as in noVNC's own page.
 * @param {string} href - address of the page
 * @returns {Link}
 */
export function readLink(href) {
    const url = new URL(href);
    const places = [new URLSearchParams(url.hash.slice(1)), url.searchParams];
    const setting = (name) => places.map((place) => place.get(name)).find(Boolean) ?? "";
    return {
        token: setting("token") || places.map(tokenInPath).find(Boolean) || "",
        viewOnly: /^(1|true|yes|on)$/i.test(setting("view_only")),
        title: setting("title"),
        resize: setting("resize"),
        quality: level(setting("quality")),
        compression: level(setting("compression")),
    };
}

/**
 * The address of the web socket, relative to the page so that a path prefix is kept.
 * @param {string} href - address of the page
 * @param {string} token
 */
export function socketURL(href, token) {
    const url = new URL("websockify", href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("token", token);
    return url.href;
}

/** Nova's links carry the token inside noVNC's `path` setting: `?path=%3Ftoken%3DX`. */
function tokenInPath(place) {
    const path = place.get("path") ?? "";
    return new URLSearchParams(path.slice(path.indexOf("?") + 1)).get("token");
}

function level(text) {
    return /^[0-9]$/.test(text) ? Number(text) : null;
}
