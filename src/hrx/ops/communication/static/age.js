// Says loudly when this page is old, wherever it is hosted, and asks for a newer one each minute, but never
// while somebody is typing into it. Without this file the server says so and the browser reloads by itself.
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
  setInterval(function () {
    const field = document.querySelector("input[type=email]");
    const isTyping = field && (field.value !== "" || field === document.activeElement);
    if (!isTyping && !document.hidden) location.reload();
  }, 60000);
})();
