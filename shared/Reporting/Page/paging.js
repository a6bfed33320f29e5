// A list shown a page at a time. show(from, to) draws; the result turns to the page that holds an item, and gives what show gave.
const paging = (nav, size, show) => {
  const [first, previous, next, last] = nav.querySelectorAll("button");
  const where = nav.querySelector("span");
  let page = 0;
  let pages = 1;
  let items = 0;
  const draw = () => {
    const from = page * size;
    const shown = show(from, Math.min(from + size, items));
    where.textContent = `Page ${count(page + 1)} of ${count(pages)}`;
    // aria-disabled, not disabled: the button that has the focus must not lose it at the last page.
    for (const [button, off] of [[first, page === 0], [previous, page === 0], [next, page === pages - 1], [last, page === pages - 1]]) {
      button.setAttribute("aria-disabled", off);
    }
    return shown;
  };
  const turn = to => {
    const target = Math.max(0, Math.min(pages - 1, to));
    if (target !== page) {
      page = target;
      draw();
    }
  };
  first.addEventListener("click", () => turn(0));
  previous.addEventListener("click", () => turn(page - 1));
  next.addEventListener("click", () => turn(page + 1));
  last.addEventListener("click", () => turn(pages - 1));
  return (number, item = 0) => {
    items = number;
    pages = Math.max(1, Math.ceil(items / size));
    page = Math.floor(item / size);
    nav.hidden = pages === 1;
    return draw();
  };
};
