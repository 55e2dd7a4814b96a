"use strict";
(() => {
  const form = document.getElementById("filters");
  const rules = [...document.querySelectorAll(".rule")];
  const areas = [...document.querySelectorAll(".area")];

  function apply() {
    const wanted = Object.fromEntries(new FormData(form));
    const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (part) =>
      (!wanted.dialect || part.dataset.dialect === wanted.dialect) &&
      (!wanted.outcome || part.dataset.outcome === wanted.outcome);
    let shown = 0;
    for (const rule of rules) {
      for (const part of rule.querySelectorAll(".verdict, .dialect-verdict")) part.hidden = !fits(part);
      rule.hidden =
        (wanted.level && rule.dataset.level !== wanted.level) ||
        (wanted.area && rule.closest(".area").dataset.area !== wanted.area) ||
        !words.every((word) => rule.dataset.words.includes(word)) ||
        ![...rule.querySelectorAll(".dialect-verdict")].some(fits);
      shown += rule.hidden ? 0 : 1;
    }
    for (const area of areas) area.hidden = ![...area.querySelectorAll(".rule")].some((rule) => !rule.hidden);
    form.querySelector("output").value = `${shown} of ${rules.length} rules`;
  }

  function open() {
    const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const rule = named && named.closest(".rule");
    if (!rule) return;
    if (rule.hidden || named.hidden) form.reset();
    apply();
    rule.open = true;
    named.scrollIntoView();
  }

  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  window.addEventListener("hashchange", open);
  window.addEventListener("beforeprint", () => {
    for (const rule of rules) {
      if (!rule.hidden && rule.querySelector(".violation")) rule.open = true;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      form.elements.text.focus();
    }
  });
  apply();
  open();
})();
