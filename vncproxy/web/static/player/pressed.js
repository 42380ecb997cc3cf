/** The keys that the viewer pressed, as a line of words that fades with the time of the recording. */

import { element } from "../page/dom.js";
import { SECOND } from "./moments.js";
import { t } from "../texts/texts.js";

/** Microseconds of the recording, at its own speed, for which a key is shown. */
const SHOWN_FOR = 4 * SECOND;
const MOST = 24;
const MODIFIERS = new Map([
    [0xffe1, "Shift"], [0xffe2, "Shift"], [0xffe3, "Ctrl"], [0xffe4, "Ctrl"], [0xffe9, "Alt"], [0xffea, "Alt"],
    [0xffe7, "Meta"], [0xffe8, "Meta"], [0xffeb, "Super"], [0xffec, "Super"], [0xfe03, "AltGr"],
]);
const NAMES = new Map([
    [0xff08, "Backspace"], [0xff09, "Tab"], [0xff0d, "Enter"], [0xff13, "Pause"], [0xff14, "Scroll Lock"],
    [0xff15, "SysRq"], [0xff1b, "Esc"], [0xff50, "Home"], [0xff51, "←"], [0xff52, "↑"], [0xff53, "→"], [0xff54, "↓"],
    [0xff55, "Page Up"], [0xff56, "Page Down"], [0xff57, "End"], [0xff61, "Print"], [0xff63, "Ins"], [0xff67, "Menu"],
    [0xff7f, "Num Lock"], [0xff8d, "Enter"], [0xffe5, "Caps Lock"], [0xffff, "Del"], [0x20, "Space"],
]);
/** Of a key whose message is left out: that there was one, and not which. */
const UNKNOWN = "•";

export class Pressed {
    #keys = [];
    #held = new Set();
    #text = "";

    /** A key went down or up. */
    key({ keysym, down }, moment) {
        const modifier = MODIFIERS.get(keysym);
        if (modifier) {
            this.#held[down ? "add" : "delete"](modifier);
        } else if (down) {
            const held = [...this.#held].filter((name) => name !== "Shift" || NAMES.has(keysym));
            this.#add([...held, nameOf(keysym)].join("+"), moment);
        }
    }

    /** A key went down or up, and it is not recorded which. */
    unknown(moment) {
        this.#add(UNKNOWN, moment);
    }

    /** The viewer sent a text for the clipboard, which is not recorded. */
    pasted(moment) {
        this.#add("[clipboard]", moment);
    }

    /** The recording goes on elsewhere. */
    forget() {
        this.#keys = [];
        this.#held.clear();
        this.show(0, 1);
    }

    /** Show the keys of the last seconds before a moment. */
    show(moment, speed) {
        this.#keys = this.#keys.filter((key) => key.moment > moment - SHOWN_FOR * speed);
        const known = this.#keys.filter(({ text }) => text !== UNKNOWN);
        const text = known.length || !this.#keys.length ? known.map((key) => key.text).join(" ") : t("Keys (not recorded which)");
        if (text !== this.#text) {
            this.#text = text;
            element("pressed").textContent = text;
            element("pressed").hidden = !text;
        }
    }

    #add(text, moment) {
        this.#keys.push({ text, moment });
        this.#keys.splice(0, this.#keys.length - MOST);
    }
}

function nameOf(keysym) {
    if (NAMES.has(keysym)) {
        return NAMES.get(keysym);
    }
    if (keysym >= 0xffbe && keysym <= 0xffd5) {
        return `F${keysym - 0xffbd}`;
    }
    if (keysym >= 0xffaa && keysym <= 0xffb9) {
        return String.fromCharCode(keysym - 0xff80);
    }
    if (keysym >= 0x01000100 && keysym <= 0x0110ffff) {
        return String.fromCodePoint(keysym - 0x01000000);
    }
    return keysym > 0x20 && keysym < 0x100 && (keysym < 0x7f || keysym > 0x9f)
        ? String.fromCodePoint(keysym)
        : t("key {code}", { code: keysym.toString(16) });
}
