/** Updates of a server that are played as one: noVNC shows its whole screen after each of them. */

import { join } from "./entries.js";

const UPDATE = 0;
const HEAD = 4;
const ENCODING = 12;
const MOST_RECTANGLES = 65535;
const DESKTOP_SIZE = -223;

/**
 * Join updates that follow each other; not those that change the size, before which images are to be drawn.
 * @param {Uint8Array[]} messages - each is one message, or several as key frames are
 * @returns {Uint8Array[]} what they are together
 */
export function joinUpdates(messages) {
    const joined = [];
    let waiting = [];
    let count = 0;
    const end = () => {
        if (waiting.length) {
            joined.push(join([new Uint8Array([UPDATE, 0, count >> 8, count & 255]), ...waiting]));
        }
        waiting = [];
        count = 0;
    };
    for (const message of messages) {
        const rectangles = rectanglesOf(message);
        if (!rectangles || count + rectangles > MOST_RECTANGLES) {
            end();
        }
        if (rectangles) {
            waiting.push(message.subarray(HEAD));
            count += rectangles;
        } else {
            joined.push(message);
        }
    }
    end();
    return joined;
}

/** The number of an update's rectangles; 0 for what is not joined. */
function rectanglesOf(message) {
    if (message[0] !== UPDATE || message.length < HEAD + ENCODING) {
        return 0;
    }
    const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
    return view.getInt32(HEAD + ENCODING - 4) === DESKTOP_SIZE ? 0 : view.getUint16(2);
}
