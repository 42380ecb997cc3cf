/** The time line: where the recording is, where it can be, and what happens when. */

import { element } from "../page/dom.js";
import { SECOND, lasting, spoken, written } from "./moments.js";
import { t, tn } from "../texts/texts.js";

/** Marks of key frames nearer to each other than this many pixels are left out. */
const NEAREST = 4;

/** @param {{seek: (moment: number) => void}} player */
export function attach(player) {
    const line = element("line");
    line.addEventListener("input", () => player.seek(Number(line.value) * SECOND));
    // the arrows are the same as everywhere on the page
    line.addEventListener("keydown", (event) => {
        if (/^(Arrow|Home$|End$|Page)/.test(event.key)) {
            event.preventDefault();
        }
    });
    let contents = null;
    const redraw = () => contents && draw(contents);
    new ResizeObserver(redraw).observe(element("track"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    attachHint(() => contents);
    return {
        /** What is shown; null where nothing can be sought. */
        get opened() {
            return contents;
        },
        /** Show what a recording has. */
        open(found) {
            contents = found;
            line.max = found.seconds;
            line.disabled = false;
            element("length").textContent = `/ ${written(found.seconds * SECOND)}`;
            describe(found);
            redraw();
        },
        /** Show that nothing can be sought: of a session that is not over. */
        close() {
            contents = null;
            line.disabled = true;
            element("length").textContent = "last change";
            element("marks").getContext("2d").clearRect(0, 0, element("marks").width, element("marks").height);
        },
        show(moment) {
            line.value = moment / SECOND;
            line.ariaValueText = t("{moment} of {end}", { moment: spoken(moment), end: spoken(Number(line.max) * SECOND) });
            line.style.setProperty("--done", `${Number(line.max) ? (100 * moment) / SECOND / line.max : 0}%`);
        },
    };
}

/** What the marks are, for those who do not see them. */
function describe({ idle, sizes, segments }) {
    const still = idle.reduce((sum, [from, to]) => sum + to - from, 0);
    const parts = [tn("{count} key frame", "{count} key frames", segments.length)];
    if (still) {
        parts.push(tn("{time} idle in {count} stretch", "{time} idle in {count} stretches", idle.length, { time: lasting(still) }));
    }
    if (sizes.length > 1) {
        parts.push(tn("the screen's size changes {count} time", "the screen's size changes {count} times", sizes.length - 1));
    }
    element("line").ariaDescription = parts.join(", ");
}

function draw({ seconds, segments, idle, sizes }) {
    const canvas = element("marks");
    const { width, height } = canvas.getBoundingClientRect();
    canvas.width = width * devicePixelRatio;
    canvas.height = height * devicePixelRatio;
    const context = canvas.getContext("2d");
    context.scale(devicePixelRatio, devicePixelRatio);
    const style = getComputedStyle(canvas);
    const colour = (name) => style.getPropertyValue(name);
    const x = (moment) => (seconds ? (moment / SECOND / seconds) * width : 0);
    context.fillStyle = colour("--idle");
    for (const [from, to] of idle) {
        context.fillRect(x(from), 0, Math.max(1, x(to) - x(from)), height);
    }
    context.fillStyle = colour("--key-frame");
    let last = -NEAREST;
    for (const { at } of segments) {
        if (x(at) - last >= NEAREST) {
            last = x(at);
            context.fillRect(last, height - 4, 1, 4);
        }
    }
    context.fillStyle = colour("--resized");
    for (const [at] of sizes.slice(1)) {
        context.fillRect(x(at) - 1, 0, 2, height);
    }
}

/** The moment below the mouse, and what is there. */
function attachHint(contents) {
    const [track, hint] = [element("track"), element("hint")];
    track.addEventListener("pointermove", ({ clientX }) => {
        const found = contents();
        hint.hidden = !found;
        if (!found) {
            return;
        }
        const box = track.getBoundingClientRect();
        const part = Math.max(0, Math.min(1, (clientX - box.left) / box.width));
        hint.textContent = said(part * found.seconds * SECOND, found, (4 / box.width) * found.seconds * SECOND);
        const room = box.width - hint.offsetWidth;
        hint.style.left = `${Math.max(0, Math.min(room, part * box.width - hint.offsetWidth / 2))}px`;
    });
    track.addEventListener("pointerleave", () => {
        hint.hidden = true;
    });
}

function said(moment, { idle, sizes }, near) {
    const size = sizes.slice(1).find(([at]) => Math.abs(at - moment) <= near);
    if (size) {
        return t("{moment} · {width} × {height} from here", {
            moment: written(moment),
            width: String(size[1]),
            height: String(size[2]),
        });
    }
    const still = idle.find(([from, to]) => from <= moment && moment < to);
    return still
        ? t("{moment} · idle for {time}", { moment: written(moment), time: lasting(still[1] - still[0]) })
        : written(moment);
}
