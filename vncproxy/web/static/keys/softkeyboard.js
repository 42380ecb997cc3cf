/**
 * The on-screen keyboard of a phone or tablet, and the input methods of other computers.
 *
 * They send no usable key events but edit text, with auto-correction and composition. They edit a
 * field here, and every difference is sent as key strokes; the field is only shown for input methods.
 */

import KeyTable from "../novnc/core/input/keysym.js";
import { element, onClick } from "../page/dom.js";
import { again } from "./keyevents.js";
import { steps, strike } from "./typing.js";

/** Keeps the field from being empty, where Backspace would change nothing. */
const PADDING = "\u00a0".repeat(40);
const LONGEST = 400;
/** Keys that edit no text, but that some on-screen and all real keyboards have. */
const BARE_KEYS = {
    Escape: KeyTable.XK_Escape,
    Tab: KeyTable.XK_Tab,
    ArrowUp: KeyTable.XK_Up,
    ArrowDown: KeyTable.XK_Down,
    ArrowLeft: KeyTable.XK_Left,
    ArrowRight: KeyTable.XK_Right,
};

/**
 * @param {HTMLTextAreaElement} field
 * @param {Connection} connection
 */
export function attach(field, connection) {
    let before = PADDING;
    const reset = () => {
        field.value = before = PADDING;
        field.setSelectionRange(PADDING.length, PADDING.length);
    };
    field.addEventListener("focus", () => {
        reset();
        keepOnTouch(connection.live, true);
    });
    field.addEventListener("blur", () => keepOnTouch(connection.live, false));
    const sendDifference = ({ isComposing }) => {
        if (connection.interrupted) {
            return; // the difference is sent when the console has moved
        }
        send(connection.live, before, field.value);
        before = field.value;
        if (!isComposing && (before.length < 5 || before.length > LONGEST)) {
            reset();
        }
    };
    field.addEventListener("input", sendDifference);
    connection.addEventListener("change", () => {
        if (connection.live && connection.onTheMove && document.activeElement === field) {
            keepOnTouch(connection.live, true);
            sendDifference({ isComposing: false });
        }
    });
    field.addEventListener("keydown", (event) => {
        if (isComposing()) {
            return;
        }
        if (event.key in BARE_KEYS) {
            event.preventDefault();
            connection.live?.sendKey(BARE_KEYS[event.key]);
        }
    });
    attachComposing(field);
}

/** While text is composed in the field, which is visible then, the keys beside it are sent, too. */
function attachComposing(field) {
    onClick("compose", () => {
        const menu = element("keys-menu");
        if (menu.popover === "auto") {
            menu.hidePopover();
        }
        document.body.dataset.composing = "";
        element("compose").ariaPressed = "true";
        field.focus();
    });
    field.addEventListener("blur", () => {
        delete document.body.dataset.composing;
        element("compose").ariaPressed = "false";
    });
    for (const type of ["keydown", "keyup"]) {
        field.addEventListener(type, (event) => {
            if (isComposing() && isNoText(event)) {
                event.preventDefault();
                screen().dispatchEvent(again(event, type));
            }
        });
    }
}

const isComposing = () => "composing" in document.body.dataset;
const screen = () => element("screen").querySelector("canvas");

/** Whether a key belongs to no text, and to no input method that is at work. */
function isNoText({ isComposing: byInputMethod, key, ctrlKey, altKey, metaKey }) {
    if (byInputMethod || ["Process", "Dead", "Unidentified", "Shift", "Backspace"].includes(key)) {
        return false;
    }
    return key.length > 1 || ((ctrlKey || altKey || metaKey) && !(ctrlKey && altKey));
}

/** A touch on the screen must not move the focus, which would hide the keyboard. */
function keepOnTouch(rfb, keep) {
    if (rfb) {
        rfb.focusOnClick = !keep;
    }
}

function send(rfb, before, after) {
    if (rfb === null) {
        return;
    }
    const same = commonLength(before, after);
    for (let n = before.length; n > same; n--) {
        rfb.sendKey(KeyTable.XK_BackSpace);
    }
    steps(after.slice(same)).forEach(({ stroke }) => strike(rfb, stroke));
}

function commonLength(a, b) {
    let n = 0;
    while (n < a.length && n < b.length && a[n] === b[n]) {
        n++;
    }
    return n;
}
