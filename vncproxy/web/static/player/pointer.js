/** The viewer's pointer, drawn over the picture: noVNC shows a cursor only where the mouse of this computer is. */

import { element } from "../page/dom.js";

/** Radius, in pixels of this computer, of the ring around a pointer. */
const RING = 9;

export function attach(screen) {
    const canvas = element("pointer");
    const shown = { shape: null, place: null };
    const redraw = () => draw(canvas, screen.canvas, shown);
    screen.addEventListener("cursor", ({ detail }) => {
        shown.shape = image(detail);
        redraw();
    });
    new ResizeObserver(redraw).observe(element("stage"));
    return {
        /** @param {{x: number, y: number, buttons: number}} place - in pixels of the picture */
        move(place) {
            shown.place = place;
            redraw();
        },
        /** Not known any more. */
        hide() {
            shown.place = null;
            redraw();
        },
        redraw,
    };
}

/** @returns {?{canvas: HTMLCanvasElement, x: number, y: number}} null for a cursor without pixels */
function image({ pixels, x, y, width, height }) {
    if (!width || !height) {
        return null;
    }
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(pixels), width, height), 0, 0);
    return { canvas, x, y };
}

function draw(canvas, picture, { shape, place }) {
    canvas.hidden = !place || !picture?.width;
    if (canvas.hidden) {
        return;
    }
    const box = picture.getBoundingClientRect();
    const stage = element("stage").getBoundingClientRect();
    const scale = box.width / picture.width;
    const room = Math.ceil(Math.max(RING + 2, (shape ? Math.max(shape.canvas.width, shape.canvas.height) : 0) * scale));
    const ratio = devicePixelRatio;
    canvas.width = canvas.height = 2 * room * ratio;
    canvas.style.width = canvas.style.height = `${2 * room}px`;
    canvas.style.left = `${box.left - stage.left + place.x * scale - room}px`;
    canvas.style.top = `${box.top - stage.top + place.y * scale - room}px`;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.translate(room, room);
    drawRing(context, place.buttons !== 0);
    if (shape) {
        context.scale(scale, scale);
        context.drawImage(shape.canvas, -shape.x, -shape.y);
    }
}

/** Two colours, so that it is seen on any picture; filled while a button is down. */
function drawRing(context, isDown) {
    context.beginPath();
    context.arc(0, 0, RING - 1, 0, 2 * Math.PI);
    context.fillStyle = isDown ? "rgb(255 196 0 / 75%)" : "rgb(255 196 0 / 22%)";
    context.fill();
    context.lineWidth = 3;
    context.strokeStyle = "rgb(0 0 0 / 55%)";
    context.stroke();
    context.lineWidth = 1.5;
    context.strokeStyle = "rgb(255 214 64)";
    context.stroke();
}
