// The pages work without this file; it only says when what they show may be old.
"use strict";
(() => {
  const mark = (isStale) => document.body.toggleAttribute("data-stale", isStale);
  document.addEventListener("htmx:error", () => mark(true));
  document.addEventListener("htmx:response:error", () => mark(true));
  document.addEventListener("htmx:after:swap", () => mark(false));
  // On a wide screen the menu is always open; on a phone it starts closed.
  const menu = document.querySelector("details.menu");
  const wide = window.matchMedia("(min-width: 900px)");
  const fit = () => { if (menu) menu.open = wide.matches; };
  wide.addEventListener("change", fit);
  fit();
})();
