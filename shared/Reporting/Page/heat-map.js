// Heat maps: what is under the pointer, and a table of single problems, a page at a time.
const heatMap = (figure, data) => {
  const rows = data.ids.length;
  const percent = share => share === null ? "–" : (100 * share).toFixed(0);
  const shade = share => share === null ? "" : ` shade-${Math.min(8, Math.floor(9 * share))}`;
  const under = figure.querySelector(".under");
  const picture = figure.querySelector(".cells");
  const details = figure.querySelector("details");
  const table = figure.querySelector("table");
  const find = figure.querySelector("[name=find]");
  const body = table.tBodies[0];
  let shown = data.ids.map((_, r) => r);
  let marked = -1;

  const at = event => {
    const box = picture.getBoundingClientRect();
    const inside = (share, number) => Math.max(0, Math.min(number - 1, Math.floor(share * number)));
    return [inside((event.clientY - box.top) / box.height, rows), inside((event.clientX - box.left) / box.width, data.columns.length)];
  };
  picture.addEventListener("pointermove", event => {
    const [r, c] = at(event);
    const [label] = data.columns[c];
    under.replaceChildren(make("bdi", "", data.ids[r]), " at ", make("bdi", "", label), `: ${percent(data.shares[r][c])}${data.shares[r][c] === null ? "" : " %"}`);
  });
  picture.addEventListener("pointerleave", () => under.replaceChildren());
  picture.addEventListener("click", event => {
    const [r] = at(event);
    find.value = "";
    shown = data.ids.map((_, r) => r);
    marked = r;
    details.open = true;
    turn(shown.length, r);
    body.querySelector(".marked")?.scrollIntoView({ block: "center" });
  });

  const line = r => {
    const head = make("th", "", make("bdi", "", data.ids[r]));
    head.scope = "row";
    if (showAnswers) {
      const button = make("button", "link", ...head.childNodes);
      button.type = "button";
      button.addEventListener("click", () => showAnswers({ problem: data.ids[r] }));
      head.append(button);
    }
    return make("tr", r === marked ? "marked" : "", head, ...data.shares[r].map((share, c) => {
      const cell = make("td", "cell" + shade(share), percent(share));
      if (showAnswers) {
        cell.addEventListener("click", () => showAnswers({ problem: data.ids[r], variant: data.columns[c][1] }));
      }
      return cell;
    }));
  };
  const turn = paging(figure.querySelector(".pages"), 25, (from, to) => {
    if (details.open) {
      body.replaceChildren(...shown.slice(from, to).map(line));
    }
  });
  find.addEventListener("input", () => {
    const wanted = find.value.trim().toLowerCase();
    shown = data.ids.flatMap((id, r) => id.toLowerCase().includes(wanted) ? [r] : []);
    turn(shown.length);
  });
  details.addEventListener("toggle", () => turn(shown.length, Math.max(0, marked)), { once: true });

  const save = figure.querySelector(".all-csv");
  save.hidden = false;
  save.addEventListener("click", () => saveCsv("problems", [
    ["problem", ...data.columns.map(([, name]) => name)],
    ...shown.map(r => [data.ids[r], ...data.shares[r]]),
  ]));
  figure.querySelector(".find").hidden = false;
  table.classList.add("shares");
  turn(rows);
};

if (canUnpack) {
  for (const figure of document.querySelectorAll(".heat")) {
    unpack(figure).then(data => heatMap(figure, data));
  }
}
