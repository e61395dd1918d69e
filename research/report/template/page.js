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

  const drawn = [];
  async function draw() {
    const script = document.createElement("script");
    script.textContent = await inflate(document.getElementById("plotly-js").textContent);
    document.head.append(script);
    for (const figure of figures) {
      const canvas = figure.querySelector(".canvas");
      const spec = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
      canvas.replaceChildren();
      await window.Plotly.newPlot(canvas, spec.data, dressed(spec.layout, canvas.clientWidth), config);
      drawn.push({ canvas, spec });
    }
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  }

  if (figures.length) {
    draw().catch((error) => {
      for (const figure of figures.slice(drawn.length)) {
        const canvas = figure.querySelector(".canvas");
        canvas.textContent = `${canvas.getAttribute("aria-label")} (Not drawn: this browser is too old.)`;
      }
      throw error;
    });
  }

  // Paper has its own width, and no table on it can be scrolled.
  const closed = new Set();
  addEventListener("beforeprint", () => {
    document.documentElement.classList.add("paper");
    for (const details of document.querySelectorAll("details:not([open])")) {
      closed.add(details);
      details.open = true;
    }
    for (const table of document.querySelectorAll(".scroll > table")) {
      table.style.zoom = Math.min(1, table.parentElement.clientWidth / table.scrollWidth);
    }
    redraw();
  });
  addEventListener("afterprint", () => {
    document.documentElement.classList.remove("paper");
    for (const details of closed) details.open = false;
    closed.clear();
    for (const table of document.querySelectorAll(".scroll > table")) table.style.zoom = "";
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
