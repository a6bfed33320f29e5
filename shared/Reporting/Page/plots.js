const config = {
  background: null,
  font: "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
  padding: 4,
  view: { stroke: null },
  axis: {
    labelColor: "var(--muted)", titleColor: "var(--muted)", labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal",
    gridColor: "var(--line)", domainColor: "var(--line)", tickColor: "var(--line)", titlePadding: 8, labelPadding: 5,
  },
  legend: { labelColor: "var(--ink)", titleColor: "var(--muted)", labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal", offset: 10, labelLimit: 220, titleLimit: 260 },
};
(async () => {
  for (const plot of document.querySelectorAll("[data-plot]")) {
    // Each in a turn of its own, so that the page can be read and scrolled meanwhile.
    await new Promise(turn => setTimeout(turn));
    const specification = vegaLite.compile(JSON.parse(plot.dataset.plot), { config }).spec;
    // ast with the interpreter: expressions are walked, never compiled, so the page's policy can forbid eval.
    new vega.View(vega.parse(specification, null, { ast: true }), { container: plot, renderer: "svg", expr: vega.expressionInterpreter })
      .runAsync().then(() => plot.classList.add("drawn"));
  }
})();
// Print lays the page out anew without a resize event.
addEventListener("beforeprint", () => dispatchEvent(new Event("resize")));
