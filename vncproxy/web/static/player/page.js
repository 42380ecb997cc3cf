/** Sets the player up: reads the link, gets the recording, and attaches the parts to it. */

import * as about from "./about.js";
import * as controls from "./controls.js";
import * as notices from "../page/notices.js";
import * as overlay from "./overlay.js";
import * as pointers from "./pointer.js";
import * as remarks from "./remarks.js";
import * as saving from "./saving.js";
import * as shortcuts from "./shortcuts.js";
import * as timeline from "./timeline.js";
import { Pressed } from "./pressed.js";
import { Problem } from "./problems.js";
import { Screen } from "./screen.js";
import { Source } from "./source.js";
import { Viewing } from "./viewing.js";
import { element, onClick } from "../page/dom.js";
import { follow } from "./acted.js";
import { keepMoment, momentOf, readLink } from "./link.js";
import { t, time } from "../texts/texts.js";

/** Milliseconds between two questions how far the recording is prepared. */
const ASK_AGAIN = 1000;
/** Milliseconds for which a moment has to last before it stands in the address. */
const KEEP_AFTER = 400;

/** Start the page; called once. */
export function open() {
    const link = readLink();
    const source = new Source(link);
    const screen = new Screen(element("screen"));
    const viewing = new Viewing(source, screen);
    const line = timeline.attach(viewing);
    controls.attach(viewing);
    shortcuts.attach(viewing);
    about.attach();
    remarks.attach(viewing);
    saving.attach(viewing, source, screen, link);
    follow(viewing, pointers.attach(screen), new Pressed());
    overlay.attach(() => load(viewing, source, link.moment));
    onClick("live", () => viewing.follow(!viewing.live.running));
    viewing.addEventListener("change", () => show(viewing, line));
    viewing.addEventListener("moment", () => showMoment(viewing, line));
    viewing.addEventListener("problem", ({ detail }) => tell(viewing, source, detail));
    viewing.live.addEventListener("state", () => onLive(viewing, source));
    attachAddress(viewing);
    if (link.token) {
        load(viewing, source, link.moment);
    } else {
        fail(new Problem("no-link"));
    }
}

/** Get the recording; ask again while it is being prepared. */
async function load(viewing, source, moment) {
    publish("opening");
    overlay.wait(t("Opening the recording"));
    try {
        const contents = await prepared(source);
        begin(viewing, contents, moment);
    } catch (error) {
        fail(error);
    }
}

async function prepared(source) {
    for (;;) {
        const contents = await source.contents();
        if (!("making" in contents)) {
            return contents;
        }
        publish("making");
        const text = t("It is made ready for playing, once. You may come back later.");
        overlay.wait(t("Preparing the recording"), text, contents.making);
        await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN));
    }
}

function begin(viewing, contents, moment) {
    about.show(contents);
    showName(contents);
    if (contents.state !== "recording" && !contents.segments.length) {
        throw new Problem("recording-empty");
    }
    viewing.open(contents);
    if (contents.state === "recording") {
        viewing.follow(true);
    } else if (moment === null) {
        viewing.seek(viewing.begins);
    } else {
        viewing.seekTyped(moment);
    }
}

/** What is enabled, and which words stand where, by what is watched. */
function show(viewing, line) {
    const { contents, live } = viewing;
    const isOver = contents.state !== "recording";
    controls.enable(viewing.isLive ? (isOver ? "nothing" : "live") : "recording");
    controls.showPlaying(viewing.playing);
    element("speed").value = viewing.speed;
    element("download").hidden = !contents.may_download;
    element("live").hidden = isOver;
    element("live").ariaPressed = String(live.running);
    if (viewing.isLive) {
        line.close();
    } else if (line.opened !== contents) {
        line.open(contents);
    }
    element("kind").textContent = kind(viewing);
    element("kind").toggleAttribute("data-live", viewing.isLive && live.state === "live");
    document.body.toggleAttribute("data-waiting", viewing.waiting);
    document.body.toggleAttribute("data-playing", viewing.playing);
    if (viewing.isLive && ["connecting", "reading"].includes(live.state) && document.body.dataset.state !== "live") {
        overlay.wait(t("Following the session"), t("What was recorded before is read first."), live.progress || null);
    }
}

function kind({ isLive, live, contents }) {
    if (!isLive) {
        return contents.state === "cut" ? t("Breaks off") : "";
    }
    const words = { live: t("Live"), paused: t("Paused"), waiting: t("Reconnecting…"), connecting: t("Connecting…"), reading: t("Catching up…") };
    return words[live.state] ?? t("Ended");
}

function showMoment(viewing, line) {
    if (viewing.isLive) {
        publish("live");
    } else {
        publish("ready");
        line.show(viewing.moment);
    }
    overlay.hide();
    controls.showMoment(viewing.moment, viewing.contents.started_at);
    document.body.dataset.moment = viewing.shown;
}

/** A session that was followed has ended, or is not followed any more: from now on it is a recording. */
function onLive(viewing, source) {
    const { live } = viewing;
    if (live.state === "ended" && live.ending) {
        const { trouble } = live.ending;
        const text = trouble ? t("The session is not followed any more: {trouble}.", { trouble }) : t("The session has ended. This is its recording.");
        notices.show("ended", text);
        load(viewing, source, live.moment);
    }
}

function tell(viewing, source, problem) {
    if (problem.code === "not-live") {
        load(viewing, source, viewing.live.moment || null);
    } else if (document.body.dataset.state === "opening" || problem.status === 401 || viewing.isLive) {
        fail(problem);
    } else {
        tellPart(viewing, problem);
    }
}

/** Say that a part is not shown; what is on the screen stays. */
function tellPart(viewing, problem) {
    const again = { label: t("Try again"), primary: true, run: () => (notices.hide("problem"), viewing.seek(viewing.moment)) };
    const headline = problem.headline ?? t("This part cannot be shown");
    const text = t("{headline}. {reason}", { headline, reason: problem.message });
    notices.show("problem", text, problem.mayPass ? [again] : []);
}

function fail(problem) {
    publish("failed");
    overlay.fail(problem);
    controls.enable("nothing");
    document.body.dataset.problem = problem.code ?? "";
    if (!(problem instanceof Problem)) {
        throw problem;
    }
}

function showName({ vm, user, started_at: startedAt }) {
    const when = new Date(startedAt * 1000);
    element("name").textContent = element("name").title = vm;
    element("state").textContent = [user, time(when, { dateStyle: "medium", timeStyle: "short" })]
        .filter(Boolean)
        .join(" · ");
    document.title = t("{machine} – recording", { machine: vm });
}

/** The address has the moment, so that a reload comes back to it; another one in it is shown. */
function attachAddress(viewing) {
    let timer = null;
    viewing.addEventListener("moment", () => {
        clearTimeout(timer);
        if (!viewing.isLive) {
            timer = setTimeout(() => keepMoment(viewing.moment), KEEP_AFTER);
        }
    });
    addEventListener("hashchange", () => {
        const moment = momentOf(location.hash);
        if (moment !== null) {
            viewing.seekTyped(moment);
        }
    });
    addEventListener("pagehide", () => viewing.live.stop());
}

/** Publish the state in a data attribute, for style sheets and tests. */
function publish(state) {
    document.body.dataset.state = state;
}
