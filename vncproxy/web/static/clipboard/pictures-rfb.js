/** noVNC, which asks for texts alone, with pictures that were copied in the guest (extended clipboard). */

import { DisplaysRFB } from "../picture/displays-rfb.js";

const CAPS = 1 << 24;
const REQUEST = 1 << 25;
const PEEK = 1 << 26;
const NOTIFY = 1 << 27;
const PROVIDE = 1 << 28;
const TEXT = 1;
const DIB = 1 << 3;
/** Bytes before the body of the message, without its kind. */
const HEAD = 7;

/** Dispatches "clipboardpicture" with the `detail` `{ formats, data }` of a message that provides one. */
export class PicturesRFB extends DisplaysRFB {
    _handleServerCutText() {
        const message = this.#peek();
        if (!message || this.viewOnly) {
            return super._handleServerCutText();
        }
        const { flags, data } = message;
        if (!(flags & CAPS) && flags & PROVIDE && flags & DIB) {
            this._sock.rQskipBytes(HEAD + 4 + data.length);
            const detail = { formats: flags & 0xffff, data };
            this.dispatchEvent(new CustomEvent("clipboardpicture", { detail }));
            return true;
        }
        const isWhole = super._handleServerCutText();
        if (flags & CAPS && flags & DIB) {
            this.#send(CAPS | REQUEST | PEEK | NOTIFY | PROVIDE | TEXT | DIB, 0, 0);
        } else if (!(flags & CAPS) && flags & NOTIFY && flags & DIB && !(flags & TEXT)) {
            this.#send(REQUEST | DIB);
        }
        return isWhole;
    }

    /** The next message, if it is one of the extended clipboard and all of it is here. */
    #peek() {
        if (this._sock.rQwait("cut text", HEAD)) {
            return null;
        }
        const size = -view(this._sock.rQpeekBytes(HEAD)).getInt32(3);
        if (size < 4 || this._sock.rQwait("cut text", HEAD + size)) {
            return null;
        }
        const body = this._sock.rQpeekBytes(HEAD + size).subarray(HEAD);
        return { flags: view(body).getUint32(0), data: body.subarray(4) };
    }

    #send(...words) {
        const body = new Uint8Array(4 * words.length);
        words.forEach((word, number) => view(body).setUint32(4 * number, word));
        DisplaysRFB.messages.clientCutText(this._sock, body, true);
    }
}

const view = ({ buffer, byteOffset, byteLength }) => new DataView(buffer, byteOffset, byteLength);
