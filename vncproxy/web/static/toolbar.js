/** The toolbar and its menus: keys, chords, the on-screen keyboard, disconnect. */

import { held, press } from "./keys.js";
import { element, onClick } from "./dom.js";

const MARGIN = 8;
/** Buttons that are enabled without a connection. */
const ALWAYS = ["view", "full-screen", "view-full-screen"];

export function attach(connection) {
    addTerminals();
    document.querySelectorAll(".menu").forEach(placeBelowButton);
    document.querySelectorAll("[data-chord]").forEach((button) => {
        button.addEventListener("click", () => onChord(connection.live, button));
    });
    document.querySelectorAll("[data-hold]").forEach((button) => {
        button.addEventListener("click", () => onHold(connection.live, button));
    });
    element("screen").addEventListener("keyup", ({ code }) => {
        if (held.releasedByKeyboard(code)) {
            showHeld();
        }
    }, { capture: true });
    connection.addEventListener("change", () => {
        if (!connection.onTheMove) {
            held.release(null);
        } else if (connection.live) {
            held.pressAgain(connection.live);
        } else {
            return; // for a moment the buttons do nothing, which is less than a flicker
        }
        showHeld();
        enable(connection);
    });
    onClick("open-typing", () => {
        held.release(connection.live);
        showHeld();
    });
    onClick("soft-keyboard", () => element("soft-field").focus());
    onClick("disconnect", () => connection.disconnect());
    element("tools").addEventListener("focusin", ({ target }) => {
        target.scrollIntoView({ block: "nearest", inline: "nearest" }); // not behind Disconnect
    });
    onClick("handle", () => element("tools").querySelector("button:not([disabled])").focus());
}

function addTerminals() {
    for (let n = 1; n <= 12; n++) {
        const button = document.createElement("button");
        button.type = "button";
        button.dataset.chord = `ctrl alt f${n}`;
        button.textContent = `F${n}`;
        button.ariaLabel = `Ctrl+Alt+F${n}`;
        element("terminals").append(button);
    }
}

function onChord(rfb, button) {
    if (rfb) {
        press(rfb, button.dataset.chord);
        button.closest("[popover]")?.hidePopover();
        rfb.focus({ preventScroll: true });
    }
}

function onHold(rfb, button) {
    if (rfb) {
        held.toggle(rfb, button.dataset.hold);
        showHeld();
    }
}

/** Forget the keys that are held down: the guest has released them, or gets no keys any more. */
export function releaseHeld() {
    held.release(null);
    showHeld();
    element("keys-menu").hidePopover();
}

function showHeld() {
    document.querySelectorAll("[data-hold]").forEach((button) => {
        button.ariaPressed = String(held.has(button.dataset.hold));
    });
    element("keys").toggleAttribute("data-active", held.size > 0);
}

/** Enable the buttons that apply; Disconnect also ends an attempt to connect. */
function enable(connection) {
    const live = connection.live !== null;
    document.querySelectorAll("#tools button, .menu button").forEach((button) => {
        button.disabled = !live && !ALWAYS.includes(button.id);
    });
    element("disconnect").disabled = connection.rfb === null;
    if (!live) {
        element("keys-menu").hidePopover();
    }
}

/** Popovers are positioned by the window, so a menu is moved below its button as it opens. */
function placeBelowButton(menu) {
    const button = document.querySelector(`[popovertarget="${menu.id}"]`);
    menu.addEventListener("beforetoggle", ({ newState }) => {
        button.ariaExpanded = String(newState === "open");
    });
    menu.addEventListener("toggle", ({ newState }) => {
        if (newState === "open") {
            const { right, bottom } = button.getBoundingClientRect();
            const room = innerWidth - menu.offsetWidth - MARGIN;
            menu.style.left = `${Math.max(MARGIN, Math.min(right - menu.offsetWidth, room))}px`;
            menu.style.top = `${bottom + 6}px`;
        }
    });
}
