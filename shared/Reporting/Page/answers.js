// The browser of answers. showAnswers({ problem, variant }) is how other parts of the page lead here; null where there are no answers.
let showAnswers = null;

{
  const verdicts = ["correct", "wrong", "no answer", "truncated"];
  const browser = document.querySelector(".browser");
  if (browser && !canUnpack) {
    browser.querySelector(".loading").textContent = "This browser cannot unpack the answers (it has no DecompressionStream); they stand in answers.jsonl.";
  } else if (browser) {
    let opened = null;
    const open = () => opened ??= unpack(browser).then(start).catch(error => {
      browser.querySelector(".loading").textContent = "The answers in this file cannot be unpacked; it may be damaged. They stand in answers.jsonl.";
      throw error;
    });
    const watch = new IntersectionObserver(entries => {
      if (entries.some(entry => entry.isIntersecting)) {
        watch.disconnect();
        open();
      }
    }, { rootMargin: "300px" });
    watch.observe(browser);
    showAnswers = async wanted => {
      const browse = await open();
      browse(wanted);
    };
  }

  const start = async data => {
    const fields = Object.fromEntries([...browser.querySelectorAll("[name]")].map(field => [field.name, field]));
    const body = browser.querySelector("tbody");
    const status = browser.querySelector(".count");
    const besideHead = browser.querySelector("th.beside");
    const all = data.problem.length;
    const ids = data.problems;
    const texts = packedList(taken(browser, "texts"), Number(browser.dataset.part));
    const problems = packedList(taken(browser, "problems"), Number(browser.dataset.part));
    const load = async answers => {
      try {
        await Promise.all([texts.load(answers), problems.load(answers.map(i => data.problem[i]))]);
      } catch (error) {
        status.textContent = "Some answers in this file cannot be unpacked; it may be damaged. They stand in answers.jsonl.";
        throw error;
      }
    };
    const folded = ids.map(id => id.toLowerCase());
    let lower = null;
    let found = [];

    for (const select of [fields.variant, fields.beside]) {
      select.append(...data.variants.map((name, v) => new Option(name, v)));
    }
    fields.finish.append(...data.finishes.map((name, f) => new Option(name, f)));
    fields.problem.list.append(...ids.slice(0, 5000).map(id => new Option(id)));

    // Where each answer's namesake from another checkpoint is: by problem, variant and sample.
    const index = new Map();
    const key = (problem, variant, sample) => (problem * data.variants.length + variant) * 1e6 + sample + 1;
    const namesake = i => {
      if (index.size === 0) {
        for (let j = 0; j < all; j++) {
          index.set(key(data.problem[j], data.variant[j], data.sample[j]), j);
        }
      }
      return index.get(key(data.problem[i], Number(fields.beside.value), data.sample[i]));
    };
    const drawn = i => data.sample[i] < 0 ? "greedy" : `sample ${data.sample[i]}`;
    const verdict = i => make("span", "verdict v" + data.verdict[i], verdicts[data.verdict[i]]);

    // The latest wish counts: what was asked before it and arrives later is dropped.
    let asked = 0;
    const filter = async () => {
      const mine = ++asked;
      const text = fields.text.value.toLowerCase();
      const problem = fields.problem.value.trim().toLowerCase();
      const exact = folded.indexOf(problem);
      const problems = problem === "" ? null : new Set(folded.flatMap((id, p) => (exact >= 0 ? id === problem : id.includes(problem)) ? [p] : []));
      const is = (field, column) => {
        const value = field.value === "" ? -1 : Number(field.value);
        return value < 0 ? () => true : i => column[i] === value;
      };
      const [variant, verdict, finish] = [is(fields.variant, data.variant), is(fields.verdict, data.verdict), is(fields.finish, data.finish)];
      const [drawn, beside] = [fields.drawn.value, fields.beside.value];
      if (text !== "" && lower === null) {
        status.textContent = "Unpacking all answers to search them…";
        const every = data.problem.map((_, i) => i);
        await load(every);
        lower ??= every.map(i => texts.at(i)[0].toLowerCase());
        if (mine !== asked) {
          return;
        }
      }
      fields.differs.disabled = beside === "";
      const differs = beside !== "" && fields.differs.checked;
      found = [];
      for (let i = 0; i < all; i++) {
        if (variant(i) && verdict(i) && finish(i)
          && (problems === null || problems.has(data.problem[i]))
          && (drawn === "" || (drawn === "greedy") === data.sample[i] < 0)
          && (beside === "" || data.variant[i] !== Number(beside))
          && (text === "" || lower[i].includes(text))) {
          if (differs) {
            const other = namesake(i);
            if (other === undefined || data.verdict[other] === data.verdict[i]) {
              continue;
            }
          }
          found.push(i);
        }
      }
      besideHead.hidden = beside === "";
      browser.querySelector(".none").hidden = found.length > 0;
      await turn(found.length);
      if (mine === asked) {
        status.textContent = found.length === all ? `${count(all)} answers` : `${count(found.length)} of ${count(all)} answers`;
      }
    };

    const answer = i => {
      const panel = make("div", "answer a" + data.verdict[i]);
      const [words, read] = texts.at(i);
      const extracted = read === "" ? "nothing could be read from it" : make("bdi", "", read);
      const text = make("pre", "", make("bdi", "", words));
      text.tabIndex = 0;
      panel.append(
        make("h3", "", make("bdi", "", data.variants[data.variant[i]]), `, ${drawn(i)}: ${verdicts[data.verdict[i]]}`),
        make("p", "read", "Read: ", extracted, ` · ${count(data.tokens[i])} tokens, ended by `, make("bdi", "", data.finishes[data.finish[i]])),
        text);
      return panel;
    };

    const detail = i => {
      const [question, gold] = problems.at(data.problem[i]);
      const cell = make("td", "detail");
      cell.colSpan = fields.beside.value === "" ? 7 : 8;
      if (question !== "") {
        const asked = make("pre", "question", make("bdi", "", question));
        asked.tabIndex = 0;
        cell.append(asked);
      }
      if (gold !== "") {
        cell.append(make("p", "gold", "Right answer: ", make("bdi", "", gold)));
      }
      const panels = make("div", "panels", answer(i));
      if (fields.beside.value !== "") {
        const other = namesake(i);
        panels.append(other === undefined
          ? make("p", "note", make("bdi", "", data.variants[Number(fields.beside.value)]), " has no such answer to this problem.")
          : answer(other));
      }
      cell.append(panels);
      return make("tr", "detail", cell);
    };

    const row = i => {
      const button = make("button", "link", make("bdi", "", ids[data.problem[i]]));
      button.type = "button";
      button.setAttribute("aria-expanded", "false");
      const head = make("th", "", button);
      head.scope = "row";
      const other = fields.beside.value === "" ? null : namesake(i);
      const line = make("tr", "answer-row", head,
        make("td", "", make("bdi", "", data.variants[data.variant[i]])),
        make("td", "", drawn(i)),
        make("td", "", verdict(i)),
        ...other === null ? [] : [make("td", "", other === undefined ? "–" : verdict(other))],
        make("td", "", data.finishes[data.finish[i]]),
        make("td", "n", count(data.tokens[i])),
        make("td", "start", make("bdi", "", texts.at(i)[0].slice(0, 160).replaceAll("\n", " "))));
      line.addEventListener("click", event => {
        if (String(getSelection()) !== "" && event.target !== button) {
          return;
        }
        const open = button.getAttribute("aria-expanded") === "true";
        button.setAttribute("aria-expanded", String(!open));
        if (open) {
          line.nextElementSibling.remove();
        } else {
          line.after(detail(i));
        }
      });
      return line;
    };

    let drawing = 0;
    const turn = paging(browser.querySelector(".pages"), 25, async (from, to) => {
      const mine = ++drawing;
      const shown = found.slice(from, to);
      const beside = fields.beside.value === "" ? [] : shown.map(namesake).filter(i => i !== undefined);
      await load([...shown, ...beside]);
      if (mine === drawing) {
        body.replaceChildren(...shown.map(row));
      }
    });

    let waiting = 0;
    const soon = () => {
      clearTimeout(waiting);
      waiting = setTimeout(filter, 150);
    };
    for (const field of Object.values(fields)) {
      field.addEventListener(field.tagName === "SELECT" || field.type === "checkbox" ? "change" : "input", field.tagName === "SELECT" || field.type === "checkbox" ? filter : soon);
    }
    const set = values => {
      for (const field of Object.values(fields)) {
        if (field.type === "checkbox") {
          field.checked = false;
        } else {
          field.value = values[field.name] ?? "";
        }
      }
      filter();
    };
    browser.querySelector(".clear").addEventListener("click", () => set({}));
    browser.querySelector(".save").addEventListener("click", async () => {
      const saved = found;
      await load(saved);
      saveCsv("answers", [
        ["problem", "checkpoint", "drawn", "verdict", "read", "ended", "tokens", "text"],
        ...saved.map(i => {
          const [text, read] = texts.at(i);
          return [ids[data.problem[i]], data.variants[data.variant[i]], drawn(i), verdicts[data.verdict[i]], read, data.finishes[data.finish[i]], data.tokens[i], text];
        }),
      ]);
    });

    await filter();
    browser.querySelector(".loading").hidden = true;
    browser.querySelector(".opened").hidden = false;
    return ({ problem, variant }) => {
      set({ problem, variant: variant === undefined ? "" : String(Math.max(0, data.variants.indexOf(variant))) });
      browser.closest("section").scrollIntoView();
      fields.problem.focus({ preventScroll: true });
    };
  };
}
