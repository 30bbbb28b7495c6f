"use strict";
// Comforts on top of pages that stand without them: sorting, readings under the pointer or the arrow keys, print.

function sortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const original = [...body.rows];
  const value = (row, index) => row.cells[index].dataset.sort;
  const group = (row, index) => row.cells[index].dataset.group ?? "";
  const totals = original.filter((row) => row.classList.contains("total"));
  const others = original.filter((row) => !row.classList.contains("total"));
  const compare = (a, b) => {
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
  };
  const arrange = (head, index) => {
    const next = { none: "descending", descending: "ascending", ascending: "none" }[head.getAttribute("aria-sort")];
    heads.forEach((other) => other.setAttribute("aria-sort", "none"));
    head.setAttribute("aria-sort", next);
    if (next === "none") {
      body.append(...original);
      return;
    }
    const known = others.filter((row) => value(row, index) !== "");
    const turned = next === "ascending" ? 1 : -1;
    known.sort((a, b) => group(a, index).localeCompare(group(b, index))
      || compare(value(a, index), value(b, index)) * turned);
    body.append(...known, ...others.filter((row) => value(row, index) === ""), ...totals);
  };
  heads.forEach((head, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => arrange(head, index));
  });
}

function readable(plot) {
  const reading = document.createElement("p");
  reading.className = "reading";
  reading.setAttribute("role", "status");
  const caption = plot.closest("figure").querySelector("h3").textContent;
  plot.tabIndex = 0;
  plot.setAttribute("role", "group");
  plot.setAttribute("aria-label", `${caption}: arrow keys read it point by point`);
  plot.after(reading);
  const texts = new Map();
  plot.querySelectorAll(".band").forEach((band) => {
    const title = band.querySelector("title");
    texts.set(band, title.textContent);
    title.remove();
  });
  const drawn = () => [...plot.querySelectorAll("svg")].find((svg) => svg.getBoundingClientRect().width > 0);
  const bands = () => [...drawn().querySelectorAll(".band")];
  let at = -1;
  const read = (band) => {
    plot.querySelectorAll(".band.on").forEach((other) => other.classList.remove("on"));
    reading.textContent = band ? texts.get(band) : "";
    if (band) band.classList.add("on");
  };
  plot.addEventListener("pointermove", (event) => {
    const all = bands();
    at = all.findIndex((band) => {
      const box = band.getBoundingClientRect();
      return event.clientX >= box.left && event.clientX < box.right && event.clientY >= box.top && event.clientY < box.bottom;
    });
    read(all[at]);
  });
  plot.addEventListener("pointerleave", () => read(null));
  plot.addEventListener("blur", () => read(null));
  plot.addEventListener("keydown", (event) => {
    const all = bands();
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    const jump = { Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Escape") read(null);
    if (step === undefined && jump === undefined) return;
    event.preventDefault();
    const from = at < 0 && step < 0 ? all.length : at;
    at = jump ?? Math.min(all.length - 1, Math.max(0, from + step));
    read(all[at]);
  });
}

document.querySelectorAll("table[data-sortable]").forEach(sortable);
document.querySelectorAll("[data-plot]").forEach(readable);

let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  folded.forEach((details) => { details.open = true; });
});
addEventListener("afterprint", () => folded.forEach((details) => { details.open = false; }));
