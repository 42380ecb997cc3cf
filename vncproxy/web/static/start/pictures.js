/** Small pictures of screens: loaded when they come into view, two at a time. */

import { readPicture } from "./requests.js";

const AT_ONCE = 2;
const WAIT = 3000;

const waiting = [];
let running = 0;

const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
        if (isIntersecting) {
            observer.unobserve(target);
            waiting.push(target);
            next();
        }
    }
}, { rootMargin: "100px" });

/** Load the picture of a machine into an element once it is in view. */
export function pictureWhenSeen(image, vm) {
    image.dataset.vm = vm;
    observer.observe(image);
}

/** Load no more pictures: their machines are not shown any longer. */
export function forgetPictures() {
    observer.disconnect();
    waiting.length = 0;
}

function next() {
    while (running < AT_ONCE && waiting.length) {
        running += 1;
        load(waiting.shift()).finally(() => {
            running -= 1;
            next();
        });
    }
}

async function load(image) {
    try {
        const blob = await readPicture(image.dataset.vm);
        if (blob && image.isConnected) {
            await show(image, blob);
        }
    } catch (error) {
        if (error.status === 429 || error.status === 503) {
            // the gateway takes few pictures at a time
            await new Promise((resolve) => setTimeout(resolve, WAIT));
            if (image.isConnected && !image.dataset.again) {
                image.dataset.again = "1";
                waiting.push(image);
            }
        }
    }
}

async function show(image, blob) {
    const bitmap = await createImageBitmap(blob);
    image.width = bitmap.width;
    image.height = bitmap.height;
    image.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    image.dataset.shown = "1";
}
