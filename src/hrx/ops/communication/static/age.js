// Says loudly when this page is old, wherever it is hosted. Without it the server says so.
"use strict";
(function () {
  const written = document.getElementById("written");
  const silence = document.getElementById("silence");
  if (!written || !silence) return;
  const at = Date.parse(written.getAttribute("datetime"));
  const language = document.documentElement.lang;
  function show() {
    const minutes = Math.floor((Date.now() - at) / 60000);
    silence.hidden = minutes < 2;
    const unit = language === "ja" ? " 分" : " min";
    silence.querySelector("b").textContent = minutes + unit;
  }
  show();
  setInterval(show, 5000);
})();
