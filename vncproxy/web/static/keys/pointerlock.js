/**
 * The mouse pointer, locked to the guest's screen: it reaches the edges, and never leaves the page.
 *
 * Browsers hide a locked pointer and tell its movements only, so its place and its shape are kept here.
 */

import { element, onClick } from "../page/dom.js";

const MOUSE = ["mousemove", "mousedown", "mouseup"];

export function attach(connection) {
    const lock = new Lock(connection);
    element("lock-pointer").hidden = !("requestPointerLock" in Element.prototype);
    onClick("lock-pointer", () => lock.request());
    document.addEventListener("pointerlockchange", () => lock.changed());
    for (const type of [...MOUSE, "wheel"]) {
        document.addEventListener(type, (event) => lock.take(event), { capture: true, passive: false });
    }
    connection.addEventListener("change", () => connection.onTheMove || lock.end());
}

class Lock {
    #connection;
    #shape = null;
    #x = 0;
    #y = 0;

    constructor(connection) {
        this.#connection = connection;
    }

    get #canvas() {
        return element("screen").querySelector("canvas");
    }

    get #isOn() {
        return document.pointerLockElement !== null && this.#shape !== null;
    }

    /** Lock the pointer in the middle of the screen, where the browser and the user let it. */
    async request() {
        element("view-menu").hidePopover();
        if (!this.#connection.live) {
            return;
        }
        this.#connection.live.focus({ preventScroll: true });
        await this.#canvas.requestPointerLock();
    }

    end() {
        if (document.pointerLockElement) {
            document.exitPointerLock();
        }
    }

    changed() {
        if (document.pointerLockElement && document.pointerLockElement === this.#canvas) {
            const { left, top, width, height } = this.#canvas.getBoundingClientRect();
            [this.#x, this.#y] = [left + width / 2, top + height / 2];
            this.#shape = document.createElement("div");
            this.#shape.id = "pointer";
            element("stage").append(this.#shape);
            this.#show();
        } else {
            this.#shape?.remove();
            this.#shape = null;
        }
    }

    /** Give noVNC an event at the place where the locked pointer is. */
    take(event) {
        if (!this.#isOn || !event.isTrusted) {
            return;
        }
        event.stopImmediatePropagation();
        event.preventDefault();
        const { left, top, right, bottom } = this.#canvas.getBoundingClientRect();
        this.#x = Math.min(Math.max(this.#x + event.movementX, left), right - 1);
        this.#y = Math.min(Math.max(this.#y + event.movementY, top), bottom - 1);
        this.#show();
        // noVNC listens to the window while a button is down
        const target = document.captureElement && event.type !== "wheel" ? window : this.#canvas;
        target.dispatchEvent(moved(event, this.#x, this.#y));
    }

    /** Draw the shape that noVNC gives to the pointer; its point is at the pointer's place. */
    #show() {
        const [, url, x = 0, y = 0] = /^(url\(.*\)) (\d+) (\d+)/.exec(this.#canvas.style.cursor) ?? [];
        this.#shape.toggleAttribute("data-plain", !url);
        this.#shape.style.backgroundImage = url ?? "";
        this.#shape.style.left = `${this.#x - x}px`;
        this.#shape.style.top = `${this.#y - y}px`;
    }
}

function moved(event, clientX, clientY) {
    const { button, buttons, ctrlKey, shiftKey, altKey, metaKey, deltaX, deltaY, deltaMode } = event;
    return new event.constructor(event.type, {
        button, buttons, ctrlKey, shiftKey, altKey, metaKey, deltaX, deltaY, deltaMode,
        clientX,
        clientY,
        bubbles: true,
        cancelable: true,
    });
}
