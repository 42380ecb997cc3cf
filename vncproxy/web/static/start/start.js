/** Entry of the start page; leads to the console of a link whose token is in the fragment. */

import { readLink } from "../session/link.js";

// a fragment is never sent to the server, which therefore cannot tell such a link from none
if (readLink(location.href).token) {
    location.replace(`console${location.search}${location.hash}`);
} else {
    const page = await import("./page.js");
    page.open();
}
