"use strict";
// Says how old each report is now, and shows those that a reader looks for.
(() => {
  const UNITS = [["year", 31_557_600], ["month", 2_629_800], ["day", 86_400], ["hour", 3_600], ["minute", 60]];
  const language = new Intl.RelativeTimeFormat("en");

  // 59 days are clearer than 1 month.
  function inWords(seconds) {
    const [unit, length] = UNITS.find(([name, length]) => seconds >= (name === "year" || name === "month" ? 2 : 1) * length) || [];
    if (unit) return language.format(-Math.floor(seconds / length), unit);
    return seconds >= 0 ? "just now" : "";
  }

  const ages = [...document.querySelectorAll("main time")].map((time) => {
    const words = document.createElement("span");
    words.className = "age";
    time.after(words);
    return { words, at: Date.parse(time.dateTime) };
  });
  function tellAges() {
    for (const { words, at } of ages) {
      const age = inWords((Date.now() - at) / 1000);
      words.textContent = age && ` (${age})`;
    }
  }
  tellAges();
  document.addEventListener("visibilitychange", tellAges);

  const find = document.querySelector(".find");
  if (!find) return;
  const search = find.querySelector("input");
  const selects = [...find.querySelectorAll("select")];
  const count = find.querySelector("output");
  const reset = find.querySelector("button");
  const sections = [...document.querySelectorAll(".question")];

  const lower = (element) => element.textContent.toLowerCase();
  const texts = (element, name) => [...element.querySelectorAll(`.${name}`)].map((each) => each.textContent);
  const reports = sections.flatMap((section) => {
    const heading = section.querySelector("h2");
    return [...section.querySelectorAll(".report")].map((element) => ({
      element,
      section,
      details: element.querySelector("details"),
      latest: `${lower(heading)} ${lower(element.querySelector(".latest"))}`,
      whole: `${lower(heading)} ${lower(element)}`,
      question: [heading.textContent],
      network: texts(element, "network"),
      card: texts(element, "card"),
    }));
  });

  function show() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const all = (text) => words.every((word) => text.includes(word));
    const chosen = selects.filter((select) => select.value);
    let shown = 0;
    for (const report of reports) {
      const fits = all(report.whole) && chosen.every((select) => report[select.id].includes(select.value));
      report.element.hidden = !fits;
      shown += fits;
      if (fits && report.details && words.length) report.details.open = !all(report.latest);
    }
    for (const section of sections) section.hidden = !section.querySelector(".report:not([hidden])");
    count.textContent = shown ? `${shown} of ${reports.length} shown` : `None of ${reports.length} fits`;
    reset.hidden = !words.length && !chosen.length;
  }

  for (const select of selects) {
    const values = [...new Set(reports.flatMap((report) => report[select.id]))].sort((a, b) => a.localeCompare(b));
    select.append(...values.map((value) => new Option(value, value)));
    select.parentElement.hidden = !values.length;
    select.addEventListener("change", show);
  }
  search.addEventListener("input", show);
  reset.addEventListener("click", () => {
    search.value = "";
    for (const select of selects) select.value = "";
    show();
    search.focus();
  });
  find.hidden = false;
  show();
})();
