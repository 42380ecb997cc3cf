/** The API key, which this tab keeps in its session storage and nowhere else. */

const NAME = "vncproxy.dashboard.key";
let key = "";

/** Return the key; empty where there is none. */
export function readKey() {
    try {
        key ||= sessionStorage.getItem(NAME) ?? "";
    } catch {
        // storage is blocked: the key lives as long as the page
    }
    return key;
}

/** Keep a key for this tab. */
export function keepKey(text) {
    key = text;
    try {
        sessionStorage.setItem(NAME, text);
    } catch {
        // as above
    }
}

/** Forget the key. */
export function forgetKey() {
    key = "";
    try {
        sessionStorage.removeItem(NAME);
    } catch {
        // as above
    }
}
