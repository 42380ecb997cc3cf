/** The toolbar and its menus: keys, chords, the on-screen keyboard, disconnect. */

import { held, press } from "../keys/keys.js";
import { element, focusFirstButton, onClick } from "./dom.js";
import { t } from "../texts/texts.js";

const MARGIN = 8;
/** The keypad of a keyboard, row by row, without the keys that are elsewhere in the menu. */
const KEYPAD = [
    ["numlock", t("Num")],
    ["kpdivide", "/"],
    ["kpmultiply", "*"],
    ["kpsubtract", "-"],
    ["kp7", "7"],
    ["kp8", "8"],
    ["kp9", "9"],
    ["kpadd", "+"],
    ["kp4", "4"],
    ["kp5", "5"],
    ["kp6", "6"],
    ["kpdecimal", "."],
    ["kp1", "1"],
    ["kp2", "2"],
    ["kp3", "3"],
    ["kpenter", t("Enter")],
    ["kp0", "0"],
];
/** Buttons that are enabled without a connection. */
const ALWAYS = ["view", "full-screen", "view-full-screen"];

export function attach(connection) {
    addKeys();
    document.querySelectorAll(".menu").forEach(placeBelowButton);
    document.querySelectorAll("#bar [data-chord]").forEach((button) => {
        button.addEventListener("click", () => onChord(connection.live, button));
    });
    document.querySelectorAll("[data-hold]").forEach((button) => {
        button.addEventListener("click", () => onHold(connection.live, button));
    });
    held.addEventListener("change", showHeld);
    element("screen").addEventListener("keyup", ({ code }) => held.releasedByKeyboard(code), {
        capture: true,
    });
    connection.addEventListener("change", () => {
        if (!connection.onTheMove) {
            held.release(null);
        } else if (connection.live) {
            held.pressAgain(connection.live);
        } else {
            return; // for a moment the buttons do nothing, which is less than a flicker
        }
        enable(connection);
    });
    onClick("open-typing", () => held.release(connection.live));
    onClick("pin-keys", () => pinKeys(element("pin-keys").ariaPressed !== "true"));
    onClick("soft-keyboard", () => element("soft-field").focus());
    onClick("disconnect", () => connection.disconnect());
    element("tools").addEventListener("focusin", ({ target }) => {
        target.scrollIntoView({ block: "nearest", inline: "nearest" }); // not behind Disconnect
    });
    onClick("handle", () => focusFirstButton(element("tools")));
}

/** Add the buttons of rows that have one for each function key, or each key of a keypad. */
function addKeys() {
    for (let n = 1; n <= 12; n++) {
        addKey("terminals", `ctrl alt f${n}`, `F${n}`).ariaLabel = t("Ctrl+Alt+{key}", { key: `F${n}` });
        addKey("function-keys", `f${n}`, `F${n}`);
        addKey("key-bar-functions", `f${n}`, `F${n}`);
    }
    for (const [name, label] of KEYPAD) {
        addKey("keypad", name, label).ariaLabel = t("Keypad {key}", { key: label });
    }
}

function addKey(row, chord, label) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.chord = chord;
    button.textContent = label;
    element(row).append(button);
    return button;
}

function onChord(rfb, button) {
    if (rfb) {
        press(rfb, button.dataset.chord);
        const menu = button.closest("[popover]");
        if (menu?.popover !== "manual") {
            menu?.hidePopover();
            rfb.focus({ preventScroll: true });
        }
    }
}

/** A menu that is pinned stays open, whatever is pressed in it or beside it. */
function pinKeys(on) {
    const menu = element("keys-menu");
    element("pin-keys").ariaPressed = String(on);
    menu.popover = on ? "manual" : "auto";
    menu.showPopover(); // changing its kind has hidden it
    element("pin-keys").focus();
}

function onHold(rfb, button) {
    if (rfb) {
        held.toggle(rfb, button.dataset.hold);
    }
}

/** Forget the keys that are held down: the guest has released them, or gets no keys any more. */
export function releaseHeld() {
    held.release(null);
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

/** Popovers are positioned by the window, so an open menu is kept below its button. */
function placeBelowButton(menu) {
    const button = document.querySelector(`[popovertarget="${menu.id}"]`);
    menu.addEventListener("beforetoggle", ({ newState }) => {
        button.ariaExpanded = String(newState === "open");
    });
    const place = () => {
        if (menu.matches(":popover-open")) {
            const { right, bottom } = button.getBoundingClientRect();
            const room = innerWidth - menu.offsetWidth - MARGIN;
            menu.style.left = `${Math.max(MARGIN, Math.min(right - menu.offsetWidth, room))}px`;
            menu.style.top = `${bottom + 6}px`;
        }
    };
    menu.addEventListener("toggle", place);
    addEventListener("resize", place); // as when a phone is turned
}
