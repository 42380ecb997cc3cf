/**
 * A closer look at a screen that is fitted to the window: by buttons, or by touch.
 *
 * The screen gets larger than the port through which it is seen, and noVNC fits the picture to it.
 */

import * as displays from "./displays.js";
import { element, onClick } from "../page/dom.js";
import { number } from "../texts/texts.js";

const STEPS = [1, 1.25, 1.5, 2, 3, 4, 6];
const MOST = STEPS.at(-1);
/** Milliseconds between two taps, and pixels between them, that are one double tap. */
const DOUBLE_TAP = 350;
const SAME_PLACE = 24;
const DOUBLE = 2.5;

export function attach(connection, link) {
    const zoom = new Zoom();
    displays.attach(connection, link, zoom);
    onClick("zoom-in", () => zoom.step(1));
    onClick("zoom-out", () => zoom.step(-1));
    element("zoom").hidden = !matchMedia("(any-pointer: coarse)").matches;
    onClick("zoom", () => {
        element("zoom").ariaPressed = String(element("zoom").ariaPressed !== "true");
    });
    document.querySelectorAll("[name=scaling]").forEach((choice) => {
        choice.addEventListener("change", () => zoom.set(1));
    });
    connection.addEventListener("known", () => document.body.dataset.scaling === "fit" || zoom.set(1));
    const fingers = new Fingers(zoom);
    for (const type of ["touchstart", "touchmove", "touchend", "touchcancel"]) {
        element("port").addEventListener(type, (event) => fingers.take(event), { capture: true, passive: false });
    }
}

class Zoom {
    level = 1;

    /**
     * @param {number} level - 1 for the whole screen
     * @param {{x: number, y: number}} [place] - in the window, which keeps what it shows; else the middle
     */
    set(level, place = null) {
        const port = element("port");
        const { left, top, width, height } = port.getBoundingClientRect();
        const [x, y] = place ? [place.x - left, place.y - top] : [width / 2, height / 2];
        const [atX, atY] = [(port.scrollLeft + x) / this.level, (port.scrollTop + y) / this.level];
        this.level = Math.min(Math.max(level, 1), MOST);
        port.toggleAttribute("data-zoomed", this.level > 1);
        element("screen").style.setProperty("--zoom", this.level);
        port.scrollTo(atX * this.level - x, atY * this.level - y);
        element("zoom-level").textContent = number(this.level, { style: "percent" });
    }

    /** How closely what is looked at; undefined is the whole. */
    get look() {
        const { scrollLeft, scrollTop } = element("port");
        return { level: this.level, left: scrollLeft, top: scrollTop };
    }

    set look(look) {
        this.set(look?.level ?? 1);
        element("port").scrollTo(look?.left ?? 0, look?.top ?? 0);
    }

    step(by) {
        const next = by > 0
            ? STEPS.find((each) => each > this.level + 0.01)
            : STEPS.findLast((each) => each < this.level - 0.01);
        this.set(next ?? this.level);
    }
}

/** One finger moves the view, two zoom it, and a double tap does at once; while the tool is pressed. */
class Fingers {
    #before = [];
    #tapped = { at: -Infinity, x: 0, y: 0 };
    #zoom;

    constructor(zoom) {
        this.#zoom = zoom;
    }

    take(event) {
        if (element("zoom").ariaPressed !== "true" || document.body.dataset.scaling !== "fit") {
            return;
        }
        event.preventDefault();
        event.stopPropagation();
        const now = [...event.touches].slice(0, 2).map(({ clientX, clientY }) => ({ x: clientX, y: clientY }));
        if (event.type === "touchmove" && now.length === this.#before.length) {
            now.length === 2 ? this.#pinch(now) : this.#drag(now[0]);
        } else if (event.type === "touchstart" && now.length === 1) {
            this.#tap(now[0], event.timeStamp);
        }
        this.#before = now;
    }

    #drag({ x, y }) {
        const [from] = this.#before;
        element("port").scrollBy(from.x - x, from.y - y);
    }

    #pinch(now) {
        const [from, to] = [this.#before, now].map(([a, b]) => Math.hypot(a.x - b.x, a.y - b.y));
        const [a, b] = now;
        if (from > 0) {
            this.#zoom.set((this.#zoom.level * to) / from, { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
        }
    }

    #tap({ x, y }, at) {
        const last = this.#tapped;
        this.#tapped = { at, x, y };
        if (at - last.at < DOUBLE_TAP && Math.hypot(x - last.x, y - last.y) < SAME_PLACE) {
            this.#tapped.at = -Infinity;
            this.#zoom.set(this.#zoom.level > 1 ? 1 : DOUBLE, { x, y });
        }
    }
}
