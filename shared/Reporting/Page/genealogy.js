// Genealogies of particle methods: one problem and one method at a time.
const genealogy = (figure, items) => {
  const [column, row, left, top] = [44, 22, 84, 26];
  const fields = Object.fromEntries([...figure.querySelectorAll("select")].map(field => [field.name, field]));
  const picture = figure.querySelector(".chains");
  const status = figure.querySelector(".under");
  const table = figure.querySelector("table");
  const verdicts = ["correct", "wrong", "no answer", "truncated"];
  const plural = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;

  const draw = (name, attributes, text) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) {
      element.setAttribute(key, value);
    }
    if (text !== undefined) {
      element.textContent = text;
    }
    return element;
  };

  // For each round and slot, whether it has descendants at the end.
  const survivors = rounds => {
    const alive = rounds.map(([weights]) => weights.map(() => false));
    alive[alive.length - 1].fill(true);
    for (let r = rounds.length - 2; r >= 0; r--) {
      const ancestors = rounds[r][4];
      alive[r + 1].forEach((lives, slot) => {
        const from = ancestors ? ancestors[slot] : slot;
        if (lives && from in alive[r]) {
          alive[r][from] = true;
        }
      });
    }
    return alive;
  };

  const chain = (rounds, members, label) => {
    const slots = Math.max(...rounds.map(([weights]) => weights.length));
    const [width, height] = [left + column * rounds.length + 190, top + row * slots + 56];
    const [x, y] = [r => left + column * (r + 0.5), slot => top + row * (slot + 0.5)];
    const svg = draw("svg", { role: "img", "aria-label": label, width, height, viewBox: `0 0 ${width} ${height}` });
    const alive = survivors(rounds);
    const under = top + row * slots + 18;
    svg.append(draw("text", { class: "side", x: left - 10, y: top - 10 }, "round"), draw("text", { class: "side", x: left - 10, y: under }, "effective"), draw("text", { class: "side", x: left - 10, y: under + 20 }, "resampled"));
    rounds.forEach(([weights, effective, , , ancestors], r) => {
      svg.append(draw("text", { class: "tick", x: x(r), y: top - 10 }, r + 1), draw("text", { class: "tick", x: x(r), y: under }, effective === null ? "–" : effective.toFixed(1)));
      if (ancestors) {
        svg.append(draw("text", { class: "tick", x: x(r), y: under + 20 }, "↻"));
      }
      if (r + 1 < rounds.length) {
        alive[r + 1].forEach((lives, slot) => {
          const from = ancestors ? ancestors[slot] : slot;
          if (from in weights) {
            svg.append(draw("line", { class: lives ? "alive" : "dead", x1: x(r), y1: y(from), x2: x(r + 1), y2: y(slot) }));
          }
        });
      }
    });
    rounds.forEach(([weights], r) => weights.forEach((weight, slot) => {
      const end = r === rounds.length - 1 && members ? ` end${members[slot][0]}` : "";
      // The area is the weight.
      svg.append(draw("circle", { class: `dot${end}`, cx: x(r), cy: y(slot), r: Math.max(1.2, 9 * Math.sqrt(weight / 1000)).toFixed(1) }));
    }));
    members?.forEach(([verdict, answer], slot) => {
      svg.append(draw("text", { class: "leaf", x: x(rounds.length - 1) + 14, y: y(slot) + 4 }, `${verdict === 0 ? "✓" : "✗"} ${verdict === 3 ? "truncated" : answer}`));
    });
    return svg;
  };

  const show = () => {
    const item = items.find(one => one.problem === fields.problem.value && one.method === fields.method.value);
    const chains = item.chains.filter(rounds => rounds.length > 0);
    const last = chains.map(rounds => rounds[rounds.length - 1][0].length);
    // Members belong to slots only where there is one for each.
    const isWhole = item.members.length === last.reduce((sum, slots) => sum + slots, 0);
    let next = 0;
    picture.replaceChildren(...chains.map((rounds, c) => {
      const members = isWhole ? item.members.slice(next, next += last[c]) : null;
      const resampled = rounds.filter(([, , , , ancestors]) => ancestors).length;
      return chain(rounds, members, `Genealogy of ${item.method} on ${item.problem}, chain ${c + 1}: ${plural(rounds.length, "round")}, ${plural(last[c], "slot")}, resampled ${plural(resampled, "time")}, ${rounds[rounds.length - 1][3]} of the first particles with descendants`);
    }));
    const right = item.members.filter(([verdict]) => verdict === 0).length;
    status.replaceChildren(make("bdi", "", item.method), " on ", make("bdi", "", item.problem), `: ${right} of ${plural(item.members.length, "final answer")} correct; ${plural(chains.length, "chain")}.`);

    const cells = (tag, texts) => texts.map((text, c) => {
      const cell = make(c === 0 ? "th" : tag, c === 0 ? "text" : "n", String(text));
      if (tag === "th" || c === 0) {
        cell.scope = tag === "th" ? "col" : "row";
      }
      return cell;
    });
    table.tHead.replaceChildren(make("tr", "", ...cells("th", ["Chain", "Round", "Slots", "Effective size", "Resampled", "Largest weight", "Lineages left", "Log evidence"])));
    table.tBodies[0].replaceChildren(...chains.flatMap((rounds, c) => rounds.map(([weights, effective, evidence, lineages, ancestors], r) => make("tr", "", ...cells("td", [
      c + 1, r + 1, weights.length, effective === null ? "–" : effective.toFixed(1), ancestors ? 1 : 0, (Math.max(...weights) / 1000).toFixed(3), lineages, evidence === null ? "–" : evidence.toFixed(2),
    ])))));
  };

  const methods = () => {
    const before = fields.method.value;
    const names = items.filter(one => one.problem === fields.problem.value).map(one => one.method);
    fields.method.replaceChildren(...names.map(name => new Option(name, name)));
    fields.method.value = names.includes(before) ? before : names[0];
    show();
  };
  fields.problem.append(...[...new Set(items.map(one => one.problem))].map(id => new Option(id, id)));
  fields.problem.addEventListener("change", methods);
  fields.method.addEventListener("change", show);
  figure.querySelector(".filters").hidden = false;
  methods();
};

if (canUnpack) {
  for (const figure of document.querySelectorAll(".genealogy")) {
    unpack(figure).then(items => genealogy(figure, items));
  }
}
