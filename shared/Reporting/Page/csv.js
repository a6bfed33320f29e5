// CSV as RFC 4180 has it, with a mark that says UTF-8. A cell that a spreadsheet would take for a formula gets an apostrophe; numbers stay numbers.
const csvCell = value => {
  let text = String(value ?? "");
  if (/^[=+\-@\t\r]/.test(text) && !/^-\d+(\.\d+)?$/.test(text)) {
    text = "'" + text;
  }
  return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
};

const saveCsv = (name, rows) => {
  const lines = ["\ufeff"];
  for (const row of rows) {
    lines.push(row.map(csvCell).join(","), "\r\n");
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(lines, { type: "text/csv;charset=utf-8" }));
  link.download = name + ".csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
};

// A table as it is printed, but with intervals in columns of their own and units in the header, so that a spreadsheet can compute with it.
const tableRows = table => {
  const numbers = cell => cell.textContent.replaceAll("\u2212", "-").replaceAll(",", "").match(/-?\d+(\.\d+)?/g) ?? [];
  const header = [...table.tHead.rows[0].cells];
  const body = [...table.tBodies[0].rows].map(row => [...row.cells]);
  const columns = header.map((title, c) => {
    const cells = body.map(row => row[c]);
    const name = title.textContent;
    if (!title.classList.contains("n")) {
      return [[name], cells.map(cell => [cell.textContent])];
    }
    const unit = cells.some(cell => cell.textContent.includes("%")) ? " (%)" : cells.some(cell => cell.textContent.includes("points")) ? " (points)" : "";
    return cells.some(cell => cell.querySelector(".range"))
      ? [[name + unit, name + " low", name + " high"], cells.map(cell => { const found = numbers(cell); return [0, 1, 2].map(i => found[i] ?? ""); })]
      : [[name + unit], cells.map(cell => [numbers(cell)[0] ?? ""])];
  });
  return [columns.flatMap(([names]) => names), ...body.map((_, r) => columns.flatMap(([, cells]) => cells[r]))];
};

for (const section of document.querySelectorAll("section")) {
  for (const [n, button] of section.querySelectorAll("button.csv").entries()) {
    button.hidden = false;
    button.addEventListener("click", () => saveCsv(section.id + (n === 0 ? "" : `-${n + 1}`), tableRows(button.parentElement.querySelector("table"))));
  }
}
