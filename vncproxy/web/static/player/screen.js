/** The picture: noVNC's decoders, fed with entries of a recording. */

import RFB from "../novnc/core/rfb.js";
import { Channel } from "./channel.js";
import { Problem } from "./problems.js";
import { join } from "./entries.js";
import { joinUpdates } from "./updates.js";
import { t } from "../texts/texts.js";

/** Milliseconds for one piece; a broken image never tells noVNC that it is not one. */
const LONGEST_DRAW = 10_000;
/** Bytes that noVNC gets at once; its own buffer grows with them. */
const PIECE = 4 << 20;

/**
 * noVNC without a server; the cursor goes to the page, which knows where the viewer's pointer was.
 * `_updateCursor` is the one private name of noVNC that the player uses.
 */
class Player extends RFB {
    onCursor = null;

    _updateCursor(pixels, x, y, width, height) {
        this.onCursor?.({ pixels, x, y, width, height });
    }
}

/**
 * Events: "cursor" with a shape {pixels, x, y, width, height}, the pixels as RGBA, the point of it at x, y.
 */
export class Screen extends EventTarget {
    #target;
    #rfb = null;
    #channel = null;
    #failed = null;

    /** @param {HTMLElement} target - where the picture is to be */
    constructor(target) {
        super();
        this.#target = target;
    }

    /** The element with the pixels; null before the first ones. */
    get canvas() {
        return this.#target.querySelector("canvas");
    }

    /** What saves the picture; null before the first one. */
    get rfb() {
        return this.#rfb;
    }

    /**
     * Draw what the server sent: whole messages, the first of which paint everything where it is a new beginning.
     * @param {Uint8Array[]} messages
     * @returns {Promise<void>} resolved once it is drawn
     * @throws {Problem} it cannot be drawn; neither can anything before the next key frame
     */
    async draw(messages) {
        this.#rfb ?? this.#begin();
        for (const piece of pieces(messages)) {
            await this.#drawPiece(piece);
        }
    }

    async #drawPiece(piece) {
        let timer;
        const failed = new Promise((_, reject) => {
            this.#failed = () => reject(new Problem("cannot-draw"));
            timer = setTimeout(this.#failed, LONGEST_DRAW);
        });
        try {
            await Promise.race([this.#channel.write(piece), failed]);
        } catch (problem) {
            this.#end();
            throw problem;
        } finally {
            clearTimeout(timer);
            this.#failed = null;
        }
    }

    #begin() {
        this.#channel = new Channel();
        this.#rfb = new Player(this.#target, this.#channel, { shared: true });
        this.#rfb.viewOnly = true;
        this.#rfb.focusOnClick = false;
        this.#rfb.scaleViewport = true;
        this.#rfb.background = "transparent";
        this.#rfb.onCursor = (shape) => this.dispatchEvent(new CustomEvent("cursor", { detail: shape }));
        this.#rfb.addEventListener("disconnect", () => this.#failed?.());
        this.#channel.greet(1, 1);
        this.canvas.role = "img";
        this.canvas.ariaLabel = t("Screen of the virtual machine");
    }

    #end() {
        if (this.#channel.readyState === "open") {
            this.#rfb.disconnect();
        }
        this.#target.replaceChildren();
        this.#rfb = this.#channel = null;
    }
}

/** Yield messages joined to pieces of a moderate size. */
function* pieces(messages) {
    let waiting = [];
    let size = 0;
    for (const message of messages) {
        if (size && size + message.length > PIECE) {
            yield join(joinUpdates(waiting));
            waiting = [];
            size = 0;
        }
        waiting.push(message);
        size += message.length;
    }
    yield waiting.length ? join(joinUpdates(waiting)) : new Uint8Array();
}
