/** The console that a user wanted to open before the login: it stays in this tab, and is sent nowhere. */

const NAME = "vncproxy:after-login";

/** Remember a console, whose page has refused a user that is not logged in. */
export function rememberConsole(href) {
    sessionStorage.setItem(NAME, href);
}

/** The console that waits for the login, once; "" for none, or for an address of another site. */
export function waitingConsole() {
    const href = sessionStorage.getItem(NAME) ?? "";
    sessionStorage.removeItem(NAME);
    return URL.canParse(href) && new URL(href).origin === location.origin ? href : "";
}
