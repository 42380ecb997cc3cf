/** Keyboard layouts of guests: by which strokes each of them types a character. */

import KeyTable from "../novnc/core/input/keysym.js";
import XtScancode from "../novnc/core/input/xtscancodes.js";

/**
 * @typedef {[number, string?, number?]} Key - its keysym, its place on the keyboard (KeyboardEvent.code), and
 *     the keysym of its release where that is another one
 * @typedef {Key[]} Stroke - keys that are pressed in this order, and released in the reverse one
 */

const SHIFT = [KeyTable.XK_Shift_L, "ShiftLeft"];
const ALTGR = [KeyTable.XK_ISO_Level3_Shift, "AltRight"];
/** The bits of a stroke's modifiers in the files. */
const WITH_SHIFT = 1;
const WITH_ALTGR = 2;

const EVERYWHERE = {
    "\n": [[[KeyTable.XK_Return, "Enter"]]],
    "\t": [[[KeyTable.XK_Tab, "Tab"]]],
};
/** scan code as in the files -> KeyboardEvent.code */
const PLACES = new Map(
    Object.entries(XtScancode).map(([code, scan]) => [scan >> 8 ? (scan & 0x7f) | 0x80 : scan, code]),
);

/** QEMU's own tables of these layouts have no dead keys: they take the character on the key. */
const NOT_DEAD_IN_QEMU = ["de", "fr"];
/** keysym of a dead key -> that of the character on it (X11/keysymdef.h) */
const SHOWN = {
    0xfe50: KeyTable.XK_grave,
    0xfe51: KeyTable.XK_acute,
    0xfe52: KeyTable.XK_asciicircum,
    0xfe54: KeyTable.XK_macron,
    0xfe55: 0x01a2, // breve
    0xfe56: 0x01ff, // abovedot
    0xfe57: KeyTable.XK_diaeresis,
    0xfe59: 0x01bd, // doubleacute
    0xfe5a: 0x01b7, // caron
    0xfe5b: KeyTable.XK_cedilla,
    0xfe5c: 0x01b2, // ogonek
};

const NEEDS_SHIFT = /[A-Z~!@#$%^&*()_+{}|:"<>?]/;
const ON_US_KEYBOARD = /[\x20-\x7e\n\t]/;
/** Added to a code point outside Latin-1 (X11 protocol, appendix A). */
const UNICODE = 0x01000000;

/** name -> promise of a layout */
const loaded = new Map();

/**
 * Load a layout.
 * @param {string} name - of a file in `layouts/`; "" for the one of a machine whose layout is not known
 * @returns {Promise<Layout>} rejected where the gateway does not answer
 */
export async function load(name) {
    if (!name) {
        return UNKNOWN;
    }
    if (!loaded.has(name)) {
        loaded.set(name, request(name));
        loaded.get(name).catch(() => loaded.delete(name));
    }
    return loaded.get(name);
}

async function request(name) {
    const response = await fetch(new URL(`layouts/${name}.json`, import.meta.url));
    if (!response.ok) {
        throw new Error(`layout ${name}: status ${response.status}`);
    }
    const { characters } = await response.json();
    return new Layout(characters, NOT_DEAD_IN_QEMU.includes(name) ? SHOWN : {});
}

class Layout {
    #characters;
    #plain = new Map();
    #shown;

    constructor(characters, shown) {
        this.#characters = characters;
        this.#shown = shown;
        for (const [scancode, modifiers, keysym] of Object.values(characters).flat()) {
            if (modifiers === 0) {
                this.#plain.set(scancode, keysym);
            }
        }
    }

    /**
     * The strokes that type a character, more than one where a dead key comes first.
     * @param {string} character - one code point
     * @param {boolean} isQEMU - whether the server is QEMU
     * @returns {?Stroke[]} null where the layout lacks it
     */
    strokes(character, isQEMU) {
        return EVERYWHERE[character] ?? this.#characters[character]?.map((each) => this.#stroke(each, isQEMU)) ?? null;
    }

    #stroke([scancode, modifiers, keysym], isQEMU) {
        return [
            ...(modifiers & WITH_SHIFT ? [SHIFT] : []),
            ...(modifiers & WITH_ALTGR ? [ALTGR] : []),
            isQEMU ? this.#forQEMU(scancode, keysym) : [keysym, PLACES.get(scancode)],
        ];
    }

    /**
     * QEMU that was started with `-k` looks keysyms up in a table of its own. At a release it finds no
     * shifted ones that several keys have, and leaves the key down; it finds the plain one of the key.
     */
    #forQEMU(scancode, keysym) {
        const [pressed, released] = [keysym, this.#plain.get(scancode) ?? keysym].map((each) => this.#shown[each] ?? each);
        return [pressed, PLACES.get(scancode), released];
    }

    /** Whether a character certainly arrives at a machine with this layout. */
    has(character) {
        return character in EVERYWHERE || character in this.#characters;
    }
}

/**
 * The layout of machines whose own is not known: keysyms without scan codes, so that a hypervisor
 * that is configured for a layout translates them with it. QEMU does not press Shift by itself, so
 * it is sent wherever a US keyboard needs it.
 */
export const UNKNOWN = {
    strokes(character) {
        const point = character.codePointAt(0);
        if (character in EVERYWHERE) {
            return [[[EVERYWHERE[character][0][0][0]]]];
        }
        if (point < 0x20 || (point >= 0x7f && point < 0xa0)) {
            return null;
        }
        const key = [point <= 0xff ? point : UNICODE + point];
        return [NEEDS_SHIFT.test(character) ? [[KeyTable.XK_Shift_L], key] : [key]];
    },
    has: (character) => ON_US_KEYBOARD.test(character),
};
