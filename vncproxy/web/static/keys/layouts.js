/** Keyboard layouts of guests: by which strokes each of them types a character. */

import KeyTable from "../novnc/core/input/keysym.js";
import keysyms from "../novnc/core/input/keysymdef.js";
import XtScancode from "../novnc/core/input/xtscancodes.js";

/**
 * @typedef {[number, string?, number?]} Key - its keysym, its place on the keyboard (KeyboardEvent.code), and
 *     the keysym of its release where that is another one
 * @typedef {Key[]} Stroke - keys that are pressed in this order, and released in the reverse one
 */

/** @type {Stroke} */
export const BACKSPACE = [[KeyTable.XK_BackSpace, "Backspace"]];
const SHIFT = [KeyTable.XK_Shift_L, "ShiftLeft"];
const ALTGR = [KeyTable.XK_ISO_Level3_Shift, "AltRight"];
/** The bits of a stroke's modifiers in the files. */
const WITH_SHIFT = 1;
const WITH_ALTGR = 2;

const EVERYWHERE = {
    "\n": [[[KeyTable.XK_Return, "Enter"]]],
    "\t": [[[KeyTable.XK_Tab, "Tab"]]],
};
/** KeyboardEvent.code -> scan code as in the files, and the other way round */
const SCANCODES = new Map(
    Object.entries(XtScancode).map(([code, scan]) => [code, scan >> 8 ? (scan & 0x7f) | 0x80 : scan]),
);
const PLACES = new Map([...SCANCODES].map(([code, scancode]) => [scancode, code]));

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

const level = (scancode, modifiers) => scancode * 4 + modifiers;

class Layout {
    #characters;
    /** scan code and modifiers -> keysym */
    #keys = new Map();
    /** keysym -> character, for those that have a keysym of old beside the one of Unicode */
    #named = new Map();
    #shown;

    constructor(characters, shown) {
        this.#characters = characters;
        this.#shown = shown;
        for (const [character, strokes] of Object.entries(characters)) {
            this.#named.set(keysyms.lookup(character.codePointAt(0)), character);
            for (const [scancode, modifiers, keysym] of strokes) {
                this.#keys.set(level(scancode, modifiers), keysym);
            }
        }
    }

    /** The character of a keysym that the layout has, else null. */
    character(keysym) {
        return this.#named.get(keysym) ?? null;
    }

    /**
     * The key at a place of the keyboard, with the keysym that it has in this layout.
     * @param {string} code - KeyboardEvent.code
     * @param {{shift: boolean, altGr: boolean, capsLock: boolean}} held
     * @param {boolean} isQEMU - whether the server is QEMU
     * @returns {?Key} null where the layout says nothing of it
     */
    keyAt(code, { shift, altGr, capsLock }, isQEMU) {
        const scancode = SCANCODES.get(code);
        const isShifted = shift !== (capsLock && !altGr && this.#isLetter(scancode));
        const keysym = this.#keys.get(level(scancode, (isShifted ? WITH_SHIFT : 0) | (altGr ? WITH_ALTGR : 0)));
        return keysym === undefined ? null : this.#key(scancode, keysym, isQEMU);
    }

    #isLetter(scancode) {
        const [plain, shifted] = [0, WITH_SHIFT].map((each) => this.character(this.#keys.get(level(scancode, each))));
        return plain !== null && plain !== shifted && plain.toUpperCase() === shifted;
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
            this.#key(scancode, keysym, isQEMU),
        ];
    }

    /**
     * QEMU that was started with `-k` looks keysyms up in a table of its own. At a release it finds no
     * shifted ones that several keys have, and leaves the key down; it finds the plain one of the key.
     */
    #key(scancode, keysym, isQEMU) {
        const code = PLACES.get(scancode);
        if (!isQEMU) {
            return [keysym, code];
        }
        const plain = this.#keys.get(level(scancode, 0)) ?? keysym;
        return [this.#shown[keysym] ?? keysym, code, this.#shown[plain] ?? plain];
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
    character: () => null,
    keyAt: () => null,
    has: (character) => ON_US_KEYBOARD.test(character),
};
