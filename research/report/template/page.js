"use strict";
// Unpacks plotly.js, draws the figures in the page's own colours, and refits them for paper.
(() => {
  const figures = [...document.querySelectorAll("figure.plot")];
  const touch = matchMedia("(pointer: coarse)").matches;
  const config = {
    responsive: true,
    displaylogo: false,
    displayModeBar: touch ? false : "hover",
    modeBarButtons: [["toImage", "resetScale2d"]],
  };

  async function inflate(base64) {
    const bytes = Uint8Array.fromBase64
      ? Uint8Array.fromBase64(base64)
      : Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  }

  // A figure's layout in the colours that the style sheet has now: light, dark or for paper.
  function dressed(layout, width) {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const own = structuredClone(layout);
    if (!own.meta || own.meta.source === undefined) return own; // not made by our theme
    const theme = own.template.layout;
    const axis = { gridcolor: colour("--grid"), linecolor: colour("--grid"), zerolinecolor: colour("--axis") };
    theme.font = { ...theme.font, color: colour("--soft"), size: width < 500 ? 12 : 13 };
    for (const name of ["xaxis", "yaxis"]) {
      theme[name] = { ...theme[name], ...axis, fixedrange: touch };
    }
    theme.shapedefaults = { line: { ...theme.shapedefaults.line, color: colour("--soft") } };
    theme.hoverlabel = { ...theme.hoverlabel, bgcolor: colour("--raised"), bordercolor: colour("--axis") };
    theme.hoverlabel.font = { ...theme.hoverlabel.font, color: colour("--ink") };
    for (const note of own.annotations) {
      if (width < 500 && note.name !== "simulated") note.font = { ...note.font, size: 12 };
    }
    if (touch) own.dragmode = false; // a finger scrolls the page
    return own;
  }

  function redraw() {
    for (const { canvas, spec } of drawn) {
      const layout = dressed(spec.layout, canvas.clientWidth);
      const paper = document.documentElement.classList.contains("paper");
      if (paper) Object.assign(layout, { width: canvas.clientWidth, height: canvas.clientHeight });
      const done = window.Plotly.react(canvas, spec.data, layout, config);
      if (!paper) done.then(() => window.Plotly.Plots.resize(canvas));
    }
  }

  // Drawn, its picture is an image with words; the buttons beside it stay buttons.
  function told(canvas) {
    const [picture, ...layers] = canvas.querySelectorAll("svg.main-svg");
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", canvas.getAttribute("aria-label"));
    for (const layer of layers) layer.setAttribute("aria-hidden", "true");
    canvas.removeAttribute("role");
    canvas.removeAttribute("aria-label");
  }

  const drawn = [];
  const waiting = new Set(figures);
  function draw(figure) {
    if (!waiting.delete(figure)) return;
    const canvas = figure.querySelector(".canvas");
    const spec = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
    canvas.replaceChildren();
    window.Plotly.newPlot(canvas, spec.data, dressed(spec.layout, canvas.clientWidth), config);
    told(canvas);
    drawn.push({ canvas, spec });
  }

  // First what is in view or near it, then the rest while the reader reads.
  const idle = window.requestIdleCallback || ((work) => setTimeout(work, 50));
  function drawRest() {
    const [next] = waiting;
    if (next) idle(() => (draw(next), drawRest()), { timeout: 500 });
  }
  async function start() {
    const script = document.createElement("script");
    script.textContent = await inflate(document.getElementById("plotly-js").textContent);
    document.head.append(script);
    const near = new IntersectionObserver(
      (entries) => {
        for (const { isIntersecting, target } of entries) {
          if (isIntersecting) draw(target);
        }
      },
      { rootMargin: "400px 0px" },
    );
    for (const figure of figures) near.observe(figure);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    drawRest();
  }

  if (figures.length) {
    start().catch((error) => {
      for (const figure of waiting) putInWords(figure, "Not drawn: this browser is too old.");
      throw error;
    });
  }

  function putInWords(figure, reason) {
    const canvas = figure.querySelector(".canvas");
    canvas.textContent = `${canvas.getAttribute("aria-label")} (${reason})`;
  }

  // Paper has its own width, and no table on it can be scrolled.
  const closed = new Set();
  addEventListener("beforeprint", () => {
    document.documentElement.classList.add("paper");
    for (const figure of [...waiting]) {
      if (window.Plotly) draw(figure);
      else putInWords(figure, "Printed before it was drawn.");
    }
    for (const details of document.querySelectorAll("details:not([open], .data, .source, .contents *)")) {
      closed.add(details);
      details.open = true;
    }
    for (const table of document.querySelectorAll(":not(.data) > .scroll > table")) {
      const [room, width] = [table.parentElement.clientWidth, table.scrollWidth];
      table.style.zoom = width > room ? (room - 2) / width : 1; // both are rounded to whole pixels
    }
    redraw();
  });
  addEventListener("afterprint", () => {
    document.documentElement.classList.remove("paper");
    for (const details of closed) details.open = false;
    closed.clear();
    for (const table of document.querySelectorAll(":not(.data) > .scroll > table")) table.style.zoom = "";
    redraw();
  });
})();

// Puts sliders above a what-if's sentence. All words are in its grid; nothing is computed here.
(() => {
  function make(tag, properties, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  function build(root, number) {
    const { sliders, parts, assumed } = JSON.parse(root.dataset.grid);
    const sentence = root.querySelector(".what-if-sentence");
    const place = [...assumed];

    function tell() {
      const words = (part) => part.along.reduce((found, axis) => found[place[axis]], part.words);
      sentence.replaceChildren(
        ...parts.map((part) => (typeof part === "string" ? part : make("b", { textContent: words(part) }))),
      );
    }

    const moved = sliders.map(({ axis, label, steps }) => {
      const id = `what-if-${number}-${axis}`;
      const value = make("output", { htmlFor: id });
      value.setAttribute("aria-live", "off"); // the slider says it, and the sentence
      const range = { type: "range", id, min: 0, max: steps.length - 1, step: 1, autocomplete: "off" };
      const input = make("input", range);
      const set = (at) => {
        place[axis] = at;
        input.value = at;
        value.textContent = steps[at];
        input.setAttribute("aria-valuetext", steps[at]);
      };
      input.addEventListener("input", () => {
        set(input.valueAsNumber);
        tell();
      });
      set(assumed[axis]);
      const name = make("label", { htmlFor: id, textContent: label });
      const usual = make("span", { className: "assumed", textContent: `assumed: ${steps[assumed[axis]]}` });
      return { set, axis, element: make("div", { className: "control" }, name, value, input, usual) };
    });
    const reset = make("button", { type: "button", textContent: "Back to what is assumed" });
    reset.addEventListener("click", () => {
      for (const { set, axis } of moved) set(assumed[axis]);
      tell();
    });
    const controls = make("div", { className: "controls" }, ...moved.map(({ element }) => element), reset);
    const tables = make("details", {}, make("summary", { textContent: "As tables" }));
    sentence.before(controls);
    sentence.after(tables);
    tables.append(...root.querySelectorAll("figure.table"));
  }

  document.querySelectorAll(".what-if[data-grid]").forEach(build);
})();
