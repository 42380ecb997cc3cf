/** noVNC with the layout of a guest that has several displays, of which one can be shown alone. */

import RFB from "../novnc/core/rfb.js";

/** Bytes before the displays in the rectangle ExtendedDesktopSize, and of each. */
const HEAD = 4;
const EACH = 16;

/**
 * @typedef {{id: number, x: number, y: number, width: number, height: number}} Display - in pixels of
 *     the framebuffer
 */

/** Dispatches "displays" when `displays` may have changed. */
export class DisplaysRFB extends RFB {
    /** @type {Display[]} as the server says; empty where it never does */
    displays = [];
    #shown = null;

    /** Show one display alone, or all for an id that there is not. */
    showDisplay(id) {
        this.#shown = id;
        this._updateClip();
        this._updateScale();
    }

    _handleExtendedDesktopSize() {
        if (this._sock.rQwait("ExtendedDesktopSize", HEAD)) {
            return false;
        }
        const size = HEAD + EACH * this._sock.rQpeek8();
        if (this._sock.rQwait("ExtendedDesktopSize", size)) {
            return false;
        }
        const isRefusal = this._FBU.x === 1 && this._FBU.y !== 0;
        if (!isRefusal) {
            this.displays = read(this._sock.rQpeekBytes(size));
        }
        const isWhole = super._handleExtendedDesktopSize();
        this.dispatchEvent(new Event("displays"));
        return isWhole;
    }

    /** noVNC clips to the window; a display alone is what the canvas has, whatever its scale. */
    _updateClip() {
        const shown = this.displays.find(({ id }) => id === this.#shown);
        if (!shown) {
            super._updateClip();
            return;
        }
        const display = this._display;
        display.clipViewport = true;
        display.viewportChangeSize(shown.width, shown.height);
        display.viewportChangePos(-display.width, -display.height); // to the corner
        display.viewportChangePos(shown.x, shown.y);
        this._setClippingViewport(false);
        this._fixScrollbars();
    }
}

/** Displays that have pixels, in the order in which they stand. */
function read(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const displays = [];
    for (let at = HEAD; at < bytes.byteLength; at += EACH) {
        const [x, y, width, height] = [4, 6, 8, 10].map((offset) => view.getUint16(at + offset));
        displays.push({ id: view.getUint32(at), x, y, width, height });
    }
    return displays.filter(({ width, height }) => width && height).sort((a, b) => a.x - b.x || a.y - b.y);
}
