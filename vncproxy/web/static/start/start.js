/** The start page: what the gateway is, and the way to the console of a link whose token is in its fragment. */

import { readLink } from "../link.js";

// a fragment is never sent to the server, which therefore cannot tell such a link from none
if (readLink(location.href).token) {
    location.replace(`console${location.search}${location.hash}`);
}
