/**
 * The user's own keyboard: its keys are taken as what is printed on them, or by their places.
 *
 * Browsers tell both. A server that takes scan codes types by place, others what the keysym says, so
 * that either is wrong where the keyboards of user and machine differ; the machine's layout mends that.
 */

import KeyTable from "../novnc/core/input/keysym.js";
import { recall, remember } from "../page/remembered.js";
import { element } from "../page/dom.js";
import { guest, offerChoice } from "./guest-layout.js";
import { UNKNOWN } from "./layouts.js";
import { strike } from "./typing.js";

const NAME = "keyboard";
const AUTOMATIC = "automatic";
const MODES = [AUTOMATIC, "printed", "position"];

const SHIFTS = ["ShiftLeft", "ShiftRight"];
/** Keys that make a shortcut of another one, whose character does not matter then. */
const SHORTCUTS = /^(Control|Alt|Meta|OS)/;

export function attach(connection) {
    const keyboard = new Keyboard(connection);
    const choices = document.querySelectorAll("[name=keyboard]");
    const choose = (mode) => {
        keyboard.mode = MODES.includes(mode) ? mode : AUTOMATIC;
        choices.forEach((choice) => {
            choice.checked = choice.value === keyboard.mode;
        });
        element("keys-layout-choice").hidden = keyboard.mode === AUTOMATIC;
    };
    choose(recall(NAME));
    choices.forEach((choice) => {
        choice.addEventListener("change", () => {
            remember(NAME, choice.value, connection.machine);
            choose(choice.value);
        });
    });
    element("keys-layout").append(...element("typing-layout").cloneNode(true).children);
    offerChoice(element("keys-layout"));
    connection.addEventListener("known", () => choose(recall(NAME, connection.machine)));
    connection.addEventListener("screen", () => keyboard.begin());
}

class Keyboard {
    #connection;
    #usual;
    /** code -> the key that was pressed for it */
    #pressed = new Map();
    /** Modifiers that the user holds, and those that the guest knows to be held: code -> keysym */
    #user = new Map();
    #guest = new Map();
    mode = AUTOMATIC;

    constructor(connection) {
        this.#connection = connection;
    }

    begin() {
        const keyboard = this.#connection.rfb._keyboard;
        this.#usual = keyboard.onkeyevent;
        for (const map of [this.#pressed, this.#user, this.#guest]) {
            map.clear();
        }
        keyboard.onkeyevent = (...event) => this.#take(event);
    }

    #take([keysym, code, down, ...locks]) {
        if (SHIFTS.includes(code) || keysym === KeyTable.XK_ISO_Level3_Shift || SHORTCUTS.test(code)) {
            this.#modifier(keysym, code, down, locks);
        } else if (!down) {
            this.#release(keysym, code, locks);
        } else if (this.mode === "printed" && guest.layout) {
            this.#pressPrinted(keysym, code, locks);
        } else {
            const key = this.mode === "position" && guest.layout?.keyAt(code, this.#level(locks), guest.isQEMU);
            this.#press(key || [keysym, code], code, locks);
        }
    }

    #modifier(keysym, code, down, locks) {
        down ? this.#user.set(code, keysym) : this.#user.delete(code);
        if (down !== this.#guest.has(code) || (down && this.mode === AUTOMATIC)) {
            down ? this.#guest.set(code, keysym) : this.#guest.delete(code);
            this.#usual(keysym, code, down, ...locks);
        }
    }

    #press(key, code, locks) {
        this.#pressed.set(code, key);
        this.#usual(key[0], key[1], true, ...locks);
    }

    #release(keysym, code, locks) {
        const [pressed, place, released = pressed] = this.#pressed.get(code) ?? [keysym, code];
        if (this.#pressed.delete(code) && pressed !== null) {
            this.#usual(released, place, false, ...locks);
        }
        this.#hold([...this.#user]);
    }

    /** Press what types the character of a key, with the modifiers that the machine's layout needs for it. */
    #pressPrinted(keysym, code, locks) {
        const { layout, isQEMU } = guest;
        const strokes = layout === UNKNOWN ? null : layout.strokes(layout.character(keysym), isQEMU);
        if (!strokes) {
            this.#press([keysym, isText(keysym) ? undefined : code], code, locks);
        } else if (strokes.length > 1) {
            this.#hold([]);
            strokes.forEach((stroke) => strike(this.#connection.rfb, stroke));
            this.#pressed.set(code, [null]);
        } else {
            const [stroke] = strokes;
            if (![...this.#user].some(([place, meaning]) => isShortcut(place, meaning))) {
                this.#hold(stroke.slice(0, -1).map(([meaning, place]) => [place, meaning]));
            }
            this.#press(stroke.at(-1), code, locks);
        }
    }

    /** Let the guest know these modifiers to be held among Shift and AltGr, and no others. */
    #hold(wanted) {
        const { rfb } = this.#connection;
        const has = (list, [code]) => list.some(([other]) => sameModifier(code, other));
        for (const [code, keysym] of [...this.#guest]) {
            if (!isShortcut(code, keysym) && !has(wanted, [code])) {
                this.#guest.delete(code);
                rfb?.sendKey(keysym, code, false);
            }
        }
        for (const [code, keysym] of wanted) {
            if (!isShortcut(code, keysym) && !has([...this.#guest], [code])) {
                this.#guest.set(code, keysym);
                rfb?.sendKey(keysym, code, true);
            }
        }
    }

    #level([, capsLock]) {
        const codes = [...this.#user];
        return {
            shift: codes.some(([code]) => SHIFTS.includes(code)),
            altGr: codes.some(([, keysym]) => keysym === KeyTable.XK_ISO_Level3_Shift),
            capsLock: capsLock === true,
        };
    }
}

/** Whether a keysym stands for a character; the others have a meaning of their own. */
const isText = (keysym) => keysym < 0xfd00 || keysym >= 0x01000000;

const isShortcut = (code, keysym) => SHORTCUTS.test(code) && keysym !== KeyTable.XK_ISO_Level3_Shift;

const sameModifier = (a, b) => a === b || (SHIFTS.includes(a) && SHIFTS.includes(b));
