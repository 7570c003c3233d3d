/** Where these pages are: below `ui/`, itself below whatever path a reverse proxy has put before it. */

const mark = location.pathname.search(/\/ui(\/|$)/);

/** The path of the gateway, with a slash at its end. */
export const ROOT = mark >= 0 ? location.pathname.slice(0, mark + 1) : location.pathname.replace(/[^/]*$/, "");

/** The path of the pages, without one. */
export const BASE = `${ROOT}ui`;

/** The gateway's address, as clients are to be told. */
export const SERVER = `${location.origin}${ROOT}`.replace(/\/$/, "");

// The gateway's own address shows the first page, below the address that all pages are below.
if (mark < 0) history.replaceState(null, "", `${BASE}/${location.search}`);
