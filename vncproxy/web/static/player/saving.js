/** What leaves the page: the picture as a file, a link to the moment, the recording. */

import { copyField, element, onClick } from "../page/dom.js";
import { linkTo } from "./link.js";
import { saveAs, savePicture } from "../picture/picture.js";
import { written } from "./moments.js";
import * as notices from "../page/notices.js";
import { t } from "../texts/texts.js";

export function attach(viewing, source, screen, link) {
    onClick("save-picture", () => savePicture(screen.rfb, viewing.contents.vm, viewing.clock));
    onClick("copy-link", () => copyLink(viewing, link));
    onClick("download", () => download(viewing, source));
}

async function copyLink({ moment }, link) {
    const field = element("copied-link");
    const focused = document.activeElement;
    field.value = linkTo(link, moment);
    const text = (await copyField(field))
        ? t("The link to {moment} is copied. Whoever has it may watch, as long as your own link is good.", { moment: written(moment) })
        : t("Copy this link: {link}", { link: field.value });
    focused?.focus({ preventScroll: true });
    notices.show("link", text);
}

async function download({ contents }, source) {
    const button = element("download");
    button.disabled = true;
    notices.show("download", t("The recording is being downloaded…"));
    try {
        saveAs(await source.file(), `${contents.session}.vncr`);
        notices.hide("download");
    } catch (problem) {
        notices.show("download", t("The recording was not downloaded. {reason}", { reason: problem.message }));
    } finally {
        button.disabled = false;
    }
}
