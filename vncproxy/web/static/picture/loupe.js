/** A magnifier beside the finger on a screen that is shown small, so that the finger hides nothing. */

import { element } from "../page/dom.js";

/** Pixels of the page for one of the guest below which a screen is small. */
const SMALL = 0.75;
/** Pixels of the guest that are shown, in each direction, and of the page from the finger. */
const SHOWN = 64;
const SIZE = 128;
const AWAY = 44;

export function attach(connection) {
    const loupe = new Loupe();
    const port = element("port");
    const options = { capture: true, passive: true };
    port.addEventListener("touchstart", (event) => loupe.begin(event, connection.live), options);
    port.addEventListener("touchmove", (event) => loupe.move(event), options);
    for (const type of ["touchend", "touchcancel"]) {
        port.addEventListener(type, () => loupe.end(), options);
    }
}

class Loupe {
    #canvas = null;
    #finger = null;
    #glass = null;

    begin({ touches }, live) {
        this.end();
        this.#canvas = element("screen").querySelector("canvas");
        const drives = live && !live.viewOnly && !live.dragViewport && element("zoom").ariaPressed !== "true";
        if (!drives || touches.length !== 1 || !this.#canvas?.width) {
            return;
        }
        if (this.#canvas.getBoundingClientRect().width / this.#canvas.width < SMALL) {
            this.#finger = touches[0];
            this.#glass = document.createElement("canvas");
            this.#glass.id = "loupe";
            this.#glass.width = this.#glass.height = SIZE;
            this.#glass.ariaHidden = "true";
            element("stage").append(this.#glass);
            this.#draw();
        }
    }

    move({ touches }) {
        this.#finger = touches[0];
    }

    end() {
        this.#glass?.remove();
        this.#glass = null;
    }

    /** Draw what is there now, again and again while the finger is down. */
    #draw() {
        if (!this.#glass) {
            return;
        }
        const { clientX, clientY } = this.#finger;
        const { left, top, width, height } = this.#canvas.getBoundingClientRect();
        const x = ((clientX - left) / width) * this.#canvas.width;
        const y = ((clientY - top) / height) * this.#canvas.height;
        const context = this.#glass.getContext("2d");
        context.imageSmoothingEnabled = false;
        context.clearRect(0, 0, SIZE, SIZE);
        context.drawImage(this.#canvas, x - SHOWN / 2, y - SHOWN / 2, SHOWN, SHOWN, 0, 0, SIZE, SIZE);
        context.strokeStyle = "white";
        context.globalCompositeOperation = "difference";
        context.strokeRect(SIZE / 2 - 3, SIZE / 2 - 3, 6, 6);
        context.globalCompositeOperation = "source-over";
        this.#place(clientX, clientY);
        requestAnimationFrame(() => this.#draw());
    }

    /** Put the glass above the finger, or below it where there is no room. */
    #place(x, y) {
        const stage = element("stage").getBoundingClientRect();
        const above = y - stage.top - SIZE - AWAY;
        const beside = Math.min(Math.max(x - stage.left - SIZE / 2, 0), stage.width - SIZE);
        this.#glass.style.left = `${beside}px`;
        this.#glass.style.top = `${above >= 0 ? above : y - stage.top + AWAY}px`;
    }
}
