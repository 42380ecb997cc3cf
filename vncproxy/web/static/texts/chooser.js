/** The choice of the page's language, in the View menu. */

import { element } from "../page/dom.js";
import { LANGUAGES, change } from "./language.js";
import { language } from "./texts.js";

export function attach(connection) {
    const choice = element("language");
    for (const [tag, name] of Object.entries(LANGUAGES)) {
        const option = new Option(name, tag, false, tag === language);
        option.lang = tag;
        choice.append(option);
    }
    choice.addEventListener("change", () => {
        const load = () => change(choice.value);
        if (connection.rfb) {
            // once the console is closed, the browser does not ask whether to leave it
            connection.addEventListener("change", load, { once: true });
            connection.disconnect();
        } else {
            load();
        }
    });
}
