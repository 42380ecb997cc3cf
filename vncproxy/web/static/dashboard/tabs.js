/** The views of the page, of which the address names one behind `#`. */

const byId = (id) => document.getElementById(id);

/**
 * Show the view that the address names, or the first one.
 * @param {string[]} names - of those that may be shown
 * @param {Object<string, {show?: () => unknown}>} views
 */
export function showView(names, views) {
    const wanted = location.hash.slice(1);
    const name = names.includes(wanted) ? wanted : names[0];
    for (const section of document.querySelectorAll(".view")) {
        section.hidden = section.id !== name;
    }
    for (const tab of byId("tabs").children) {
        tab.hidden = !names.includes(tab.dataset.view);
        tab.toggleAttribute("aria-current", false);
        if (tab.dataset.view === name) {
            tab.setAttribute("aria-current", "page");
        }
    }
    document.title = name ? `${byId(`${name}-title`).textContent} – dashboard` : "Dashboard";
    views[name]?.show?.();
}
