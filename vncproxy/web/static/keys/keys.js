/** Keys and key chords that a browser or desktop would otherwise handle itself. */

import KeyTable from "../novnc/core/input/keysym.js";

/** name -> [keysym, KeyboardEvent.code] */
const KEYS = {
    ctrl: [KeyTable.XK_Control_L, "ControlLeft"],
    alt: [KeyTable.XK_Alt_L, "AltLeft"],
    shift: [KeyTable.XK_Shift_L, "ShiftLeft"],
    super: [KeyTable.XK_Super_L, "MetaLeft"],
    altgr: [KeyTable.XK_ISO_Level3_Shift, "AltRight"],
    delete: [KeyTable.XK_Delete, "Delete"],
    backspace: [KeyTable.XK_BackSpace, "Backspace"],
    tab: [KeyTable.XK_Tab, "Tab"],
    escape: [KeyTable.XK_Escape, "Escape"],
    enter: [KeyTable.XK_Return, "Enter"],
    insert: [KeyTable.XK_Insert, "Insert"],
    home: [KeyTable.XK_Home, "Home"],
    end: [KeyTable.XK_End, "End"],
    pageup: [KeyTable.XK_Page_Up, "PageUp"],
    pagedown: [KeyTable.XK_Page_Down, "PageDown"],
    up: [KeyTable.XK_Up, "ArrowUp"],
    down: [KeyTable.XK_Down, "ArrowDown"],
    left: [KeyTable.XK_Left, "ArrowLeft"],
    right: [KeyTable.XK_Right, "ArrowRight"],
    print: [KeyTable.XK_Print, "PrintScreen"],
    sysrq: [KeyTable.XK_Sys_Req, "PrintScreen"],
    pause: [KeyTable.XK_Pause, "Pause"],
    menu: [KeyTable.XK_Menu, "ContextMenu"],
    capslock: [KeyTable.XK_Caps_Lock, "CapsLock"],
    scrolllock: [KeyTable.XK_Scroll_Lock, "ScrollLock"],
    numlock: [KeyTable.XK_Num_Lock, "NumLock"],
    kpdivide: [KeyTable.XK_KP_Divide, "NumpadDivide"],
    kpmultiply: [KeyTable.XK_KP_Multiply, "NumpadMultiply"],
    kpsubtract: [KeyTable.XK_KP_Subtract, "NumpadSubtract"],
    kpadd: [KeyTable.XK_KP_Add, "NumpadAdd"],
    kpenter: [KeyTable.XK_KP_Enter, "NumpadEnter"],
    kpdecimal: [KeyTable.XK_KP_Decimal, "NumpadDecimal"],
    l: [KeyTable.XK_l, "KeyL"],
    r: [KeyTable.XK_r, "KeyR"],
};
for (let n = 1; n <= 12; n++) {
    KEYS[`f${n}`] = [KeyTable[`XK_F${n}`], `F${n}`];
}
for (let n = 0; n <= 9; n++) {
    KEYS[`kp${n}`] = [KeyTable[`XK_KP_${n}`], `Numpad${n}`];
}

/**
 * Press keys in order and release them in reverse; keys that are held stay pressed.
 * @param {RFB} rfb
 * @param {string} chord - names separated by spaces, such as "ctrl alt f1"
 */
export function press(rfb, chord) {
    const keys = chord.split(" ").filter((name) => !held.has(name)).map((name) => KEYS[name]);
    keys.forEach((key) => rfb.sendKey(...key, true));
    keys.reverse().forEach((key) => rfb.sendKey(...key, false));
    held.releaseOnce(rfb);
}

/** Modifiers that stay down until they are released again, or for the next key only. */
class HeldKeys extends EventTarget {
    #held = new Set();
    #once = new Set();

    has(name) {
        return this.#held.has(name);
    }

    hasKeysym(keysym) {
        return [...this.#held].some((name) => KEYS[name][0] === keysym);
    }

    get size() {
        return this.#held.size;
    }

    toggle(rfb, name) {
        const down = !this.#held.delete(name);
        if (down) {
            this.#held.add(name);
        }
        this.#once.delete(name);
        rfb.sendKey(...KEYS[name], down);
        this.#changed();
    }

    /** Hold a key down until the next key was pressed, as on-screen keyboards do. */
    toggleOnce(rfb, name) {
        this.toggle(rfb, name);
        if (this.#held.has(name)) {
            this.#once.add(name);
        }
    }

    /** The key that some were held for was pressed. */
    releaseOnce(rfb) {
        if (this.#once.size) {
            this.#once.forEach((name) => {
                this.#held.delete(name);
                rfb.sendKey(...KEYS[name], false);
            });
            this.#once.clear();
            this.#changed();
        }
    }

    /**
     * Forget a held key that the user released on the keyboard, which releases it in the guest.
     * @param {string} code - KeyboardEvent.code
     * @returns {boolean} whether it had been held down
     */
    releasedByKeyboard(code) {
        const name = [...this.#held].find((each) => KEYS[each][1] === code);
        this.#once.delete(name);
        const wasHeld = this.#held.delete(name);
        if (wasHeld) {
            this.#changed();
        }
        return wasHeld;
    }

    /** Press the held keys in a console that has moved: its server has released them. */
    pressAgain(rfb) {
        this.#held.forEach((name) => rfb.sendKey(...KEYS[name], true));
    }

    /** @param {?RFB} rfb - null when the connection, and with it every pressed key, is gone */
    release(rfb) {
        this.#held.forEach((name) => rfb?.sendKey(...KEYS[name], false));
        this.#held.clear();
        this.#once.clear();
        this.#changed();
    }

    #changed() {
        this.dispatchEvent(new Event("change"));
    }
}

/** The held keys of this page's console. */
export const held = new HeldKeys();
