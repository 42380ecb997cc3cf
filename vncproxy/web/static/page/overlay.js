/** The card shown in place of the screen: the state of the connection, and buttons to act on it. */

import { element, onClick } from "./dom.js";
import { onTheMove } from "../session/lifecycle.js";
import { rememberConsole } from "../start/return.js";

const STATE_LABELS = {
    connecting: "Connecting…",
    connected: "Connected",
    waiting: "Reconnecting…",
    moving: "Connected",
    ended: "Disconnected",
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
    element("state").textContent = unconfirmed ? "Not opened yet" : STATE_LABELS[moving ? "moving" : name];
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
        return "Starting the virtual machine";
    }
    return interruption ? "Reconnecting" : "Connecting";
}

const needsLogin = ({ closeReason }) => closeReason?.reconnect === "afterLogin";

/** The start page leads back to this console once its user is logged in. */
function logIn() {
    rememberConsole(location.href);
    location.assign("login");
}

function buttonLabel({ name, closeReason }) {
    if (needsLogin({ closeReason })) {
        return "Log in";
    }
    if (closeReason?.reconnect === "afterConfirmation") {
        return "Open the console";
    }
    if (closeReason?.reconnect === "takeBack") {
        return "Take it back";
    }
    if (closeReason?.reconnect === "afterStart" && name === "ended") {
        return "Look again";
    }
    return name === "waiting" ? "Reconnect now" : "Reconnect";
}

function mayReconnect({ name, closeReason }) {
    return name === "waiting" || (name === "ended" && closeReason.reconnect !== "never");
}

function countDown({ name, until, gaveUp }) {
    const seconds = Math.max(1, Math.ceil((until - performance.now()) / 1000));
    const texts = {
        waiting: `Reconnecting in ${seconds} ${seconds === 1 ? "second" : "seconds"}…`,
        ended: gaveUp ? "The page has stopped trying by itself." : "",
    };
    element("countdown").textContent = texts[name] ?? "";
}

/** The card gets the focus and not its button, which a user still typing would press. */
function takeFocus() {
    if (document.activeElement === document.body) {
        element("card").focus({ preventScroll: true });
    }
}
