/** The buttons and fields below the picture. */

import { element, onClick } from "../page/dom.js";
import { SECOND, read, written } from "./moments.js";
import * as notices from "../page/notices.js";
import { t, time } from "../texts/texts.js";

export const SPEEDS = [1, 2, 4, 8, 16];

/** Microseconds of the buttons beside play. */
const LEAP = 10 * SECOND;

/** Elements that act on a recording that is there. */
const OF_RECORDING = ["play", "back", "on", "moment", "skip", "speed", "save-picture", "copy-link"];

/** Those among them that act on a session that is followed, too. */
const OF_LIVE = ["play", "save-picture", "copy-link"];

export function attach(player) {
    onClick("play", () => player.toggle());
    onClick("back", () => player.seek(player.moment - LEAP));
    onClick("on", () => player.seek(player.moment + LEAP));
    element("speed").addEventListener("change", () => player.setSpeed(Number(element("speed").value)));
    element("skip").addEventListener("change", () => player.setSkipping(element("skip").checked));
    attachMoment(player);
    attachFullScreen();
}

/** Enable what applies: "recording", "live", or "nothing". */
export function enable(what) {
    for (const id of OF_RECORDING) {
        element(id).disabled = what === "nothing" || (what === "live" && !OF_LIVE.includes(id));
    }
}

export function showPlaying(playing) {
    const word = playing ? t("Pause") : t("Play");
    const button = element("play");
    if (button.ariaLabel !== word) {
        button.ariaLabel = button.title = word;
        button.querySelector("use").setAttribute("href", playing ? "#i-pause" : "#i-play");
    }
}

/** Show where the recording is, and what the clock on the wall showed. */
export function showMoment(moment, startedAt) {
    const field = element("moment");
    if (document.activeElement !== field) {
        field.value = written(moment);
    }
    const clock = new Date(startedAt * 1000 + moment / 1000);
    element("clock").textContent = time(clock, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
    element("clock").title = time(clock, { dateStyle: "full", timeStyle: "long" });
}

function attachMoment(player) {
    const field = element("moment");
    field.addEventListener("focus", () => {
        field.value = written(player.moment, true);
        field.select();
    });
    field.addEventListener("blur", () => {
        field.value = written(player.moment);
    });
    field.addEventListener("keydown", ({ key }) => {
        if (key === "Escape") {
            field.blur();
        }
    });
    element("moment-form").addEventListener("submit", (event) => {
        event.preventDefault();
        const moment = read(field.value);
        if (moment === null) {
            notices.show("moment", t("That is no moment. Type minutes and seconds, such as 12:34 or 1:02:03."));
            return;
        }
        notices.hide("moment");
        player.seekTyped(moment);
        field.blur();
        element("play").focus();
    });
}

function attachFullScreen() {
    const button = element("full-screen");
    button.hidden = !document.fullscreenEnabled;
    onClick("full-screen", toggleFullScreen);
    document.addEventListener("fullscreenchange", () => {
        button.ariaPressed = String(document.fullscreenElement !== null);
    });
}

export async function toggleFullScreen() {
    if (document.fullscreenElement) {
        await document.exitFullscreen();
    } else if (document.fullscreenEnabled) {
        await document.documentElement.requestFullscreen();
    }
}
