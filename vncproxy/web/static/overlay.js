/** The card over the stage: what is going on while there is no screen to show, and what to do. */

import { element, onClick } from "./dom.js";

const STATE_WORDS = {
    connecting: "Connecting…",
    connected: "Connected",
    waiting: "Reconnecting…",
    ended: "Disconnected",
};

export function attach(connection) {
    let ticking = null;
    connection.addEventListener("change", () => {
        const { state } = connection;
        render(state);
        clearInterval(ticking);
        if (state.name === "waiting") {
            ticking = setInterval(() => countDown(state), 250);
        }
    });
    onClick("reconnect", () => connection.retry());
    onClick("stop", () => connection.stop());
    onClick("cancel", () => connection.disconnect());
}

function render(state) {
    const { name, ending, interruption } = state;
    element("state").textContent = ending?.again === "confirmed" ? "Not opened yet" : STATE_WORDS[name];
    element("curtain").hidden = name === "connected";
    element("headline").textContent = ending?.headline ?? (interruption ? "Reconnecting" : "Connecting");
    element("reason").textContent = ending?.reason ?? "";
    element("reconnect").hidden = !mayReconnect(state);
    element("reconnect").textContent = buttonWords(state);
    element("stop").hidden = name !== "waiting";
    element("cancel").hidden = name !== "connecting";
    countDown(state);
    if (ending) {
        takeFocus();
    }
}

function buttonWords({ name, ending }) {
    if (ending?.again === "confirmed") {
        return "Open the console";
    }
    return name === "waiting" ? "Reconnect now" : "Reconnect";
}

function mayReconnect({ name, ending }) {
    return name === "waiting" || (name === "ended" && ending.again !== "never");
}

function countDown({ name, until, gaveUp }) {
    const seconds = Math.max(1, Math.ceil((until - performance.now()) / 1000));
    const words = {
        waiting: `Reconnecting in ${seconds} ${seconds === 1 ? "second" : "seconds"}…`,
        ended: gaveUp ? "The page has stopped trying by itself." : "",
    };
    element("countdown").textContent = words[name] ?? "";
}

/** Not to the button: whoever was typing into the guest must not press it unawares. */
function takeFocus() {
    if (document.activeElement === document.body) {
        element("card").focus({ preventScroll: true });
    }
}
