/** What the viewer sent: pointer and keys. */

const KEY = 4;
const POINTER = 5;
const TEXT = 6;
const QEMU = 255;
const QEMU_KEY = 0;
/** In the mask of buttons: two more bits follow the position. */
const MORE_BUTTONS = 0x80;

/**
 * Read whole messages of a viewer.
 * @param {Uint8Array} data
 * @returns {Generator<{pointer: {x: number, y: number, buttons: number}} | {key: {keysym: number, down: boolean}}>}
 */
export function* actions(data) {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    for (let at = 0; at < data.length; ) {
        const size = lengthOf(view, at);
        if (!size || at + size > data.length) {
            return;
        }
        const type = data[at];
        if (type === KEY) {
            yield { key: { down: data[at + 1] !== 0, keysym: view.getUint32(at + 4) } };
        } else if (type === POINTER) {
            yield { pointer: { buttons: data[at + 1] & 0x7f, x: view.getUint16(at + 2), y: view.getUint16(at + 4) } };
        } else if (type === QEMU && data[at + 1] === QEMU_KEY) {
            yield { key: { down: view.getUint16(at + 2) !== 0, keysym: view.getUint32(at + 4) } };
        }
        at += size;
    }
}

/** Whether the first byte of a message that is left out is that of a text for the clipboard. */
export const isText = (data) => data[0] === TEXT;

/** Whether it is that of a key. */
export const isKey = (data) => data[0] === KEY || data[0] === QEMU;

function lengthOf(view, at) {
    switch (view.getUint8(at)) {
        case KEY:
            return 8;
        case POINTER:
            return at + 1 < view.byteLength && view.getUint8(at + 1) & MORE_BUTTONS ? 7 : 6;
        case QEMU:
            return at + 1 < view.byteLength && view.getUint8(at + 1) === QEMU_KEY ? 12 : 0;
        case 0:
            return 20;
        case 3:
        case 150:
            return 10;
        default:
            return 0; // of no interest, and nothing behind it in the same entry is
    }
}
