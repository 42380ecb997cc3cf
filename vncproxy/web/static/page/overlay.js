/** The card shown in place of the screen: the state of the connection, and buttons to act on it. */

import { element, onClick } from "./dom.js";
import { onTheMove } from "../session/lifecycle.js";
import { rememberConsole } from "../start/return.js";
import { t, tn } from "../texts/texts.js";

const STATE_LABELS = {
    connecting: t("Connecting…"),
    connected: t("Connected"),
    waiting: t("Reconnecting…"),
    moving: t("Connected"),
    ended: t("Disconnected"),
};

export function attach(connection) {
    let ticking = null;
    connection.addEventListener("change", () => {
        const { state } = connection;
        render(state, connection.starts);
        clearInterval(ticking);
        if (state.name === "waiting") {
            ticking = setInterval(() => countDown(state), 250);
        }
    });
    onClick("reconnect", () => (needsLogin(connection.state) ? logIn() : connection.retry()));
    onClick("start", () => connection.start());
    onClick("stop", () => connection.stop());
    onClick("cancel", () => connection.disconnect());
}

function render(state, starts) {
    const { name, closeReason, interruption } = state;
    const unconfirmed = closeReason?.reconnect === "afterConfirmation" || needsLogin(state);
    const moving = name !== "connected" && onTheMove(state);
    element("moving").hidden = !moving;
    element("overlay").hidden = name === "connected" || moving;
    element("state").textContent = unconfirmed ? t("Not opened yet") : STATE_LABELS[moving ? "moving" : name];
    element("headline").textContent = closeReason?.headline ?? headline(interruption, starts);
    element("reason").textContent = closeReason?.reason ?? "";
    element("start").hidden = closeReason?.reconnect !== "afterStart";
    element("reconnect").hidden = !mayReconnect(state);
    element("reconnect").classList.toggle("primary", element("start").hidden);
    element("reconnect").textContent = buttonLabel(state);
    element("stop").hidden = name !== "waiting";
    element("cancel").hidden = name !== "connecting";
    countDown(state);
    if (closeReason && !moving) {
        takeFocus();
    }
}

function headline(interruption, starts) {
    if (starts) {
        return t("Starting the virtual machine");
    }
    return interruption ? t("Reconnecting") : t("Connecting");
}

const needsLogin = ({ closeReason }) => closeReason?.reconnect === "afterLogin";

/** The start page leads back to this console once its user is logged in. */
function logIn() {
    rememberConsole(location.href);
    location.assign("login");
}

function buttonLabel({ name, closeReason }) {
    if (needsLogin({ closeReason })) {
        return t("Log in");
    }
    if (closeReason?.reconnect === "afterConfirmation") {
        return t("Open the console");
    }
    if (closeReason?.reconnect === "takeBack") {
        return t("Take it back");
    }
    if (closeReason?.reconnect === "afterStart" && name === "ended") {
        return t("Look again");
    }
    return name === "waiting" ? t("Reconnect now") : t("Reconnect");
}

function mayReconnect({ name, closeReason }) {
    return name === "waiting" || (name === "ended" && closeReason.reconnect !== "never");
}

function countDown({ name, until, gaveUp }) {
    const seconds = Math.max(1, Math.ceil((until - performance.now()) / 1000));
    const texts = {
        waiting: tn("Reconnecting in {count} second…", "Reconnecting in {count} seconds…", seconds),
        ended: gaveUp ? t("The page has stopped trying by itself.") : "",
    };
    element("countdown").textContent = texts[name] ?? "";
}

/** The card gets the focus and not its button, which a user still typing would press. */
function takeFocus() {
    if (document.activeElement === document.body) {
        element("card").focus({ preventScroll: true });
    }
}
