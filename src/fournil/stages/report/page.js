// Niceties only: sorting tables and reading charts. The page says everything without them.
"use strict";

for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") === "descending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", descending ? "ascending" : "descending");
      const value = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();
      const rows = [...body.rows].sort((one, other) => {
        const [a, b] = [value(one), value(other)];
        const numeric = a !== "" && b !== "" && !isNaN(a) && !isNaN(b);
        const order = numeric ? a - b : a.localeCompare(b, "en", { numeric: true });
        return descending ? order : -order;
      });
      body.append(...rows);
    });
  });
}

const scale = (text) => {
  const [low, high, start, end] = text.split(" ").map(Number);
  return { value: (at) => low + ((at - start) / (end - start)) * (high - low) };
};

for (const chart of document.querySelectorAll("svg.chart")) {
  const reading = chart.parentElement.querySelector(".reading");
  const x = scale(chart.dataset.x);
  const y = scale(chart.dataset.y);
  const lines = [...chart.querySelectorAll("polyline")].map((line) => ({
    label: line.dataset.label,
    points: line.getAttribute("points").split(" ").map((point) => point.split(",").map(Number)),
  }));
  const hair = document.createElementNS("http://www.w3.org/2000/svg", "path");
  hair.setAttribute("class", "hair");
  chart.append(hair);
  chart.addEventListener("pointermove", (event) => {
    const box = chart.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * chart.viewBox.baseVal.width;
    const nearest = lines.map(({ label, points }) => {
      const point = points.reduce((best, one) => (Math.abs(one[0] - at) < Math.abs(best[0] - at) ? one : best));
      return { label, point };
    });
    const step = Math.round(x.value(nearest[0].point[0])).toLocaleString("en");
    const values = nearest.map(({ label, point }) => `${label} ${y.value(point[1]).toFixed(2)}`);
    hair.setAttribute("d", `M${nearest[0].point[0]} 12V206`);
    reading.hidden = false;
    reading.textContent = `${chart.dataset.name} ${step}: ${values.join(", ")}`;
  });
  chart.addEventListener("pointerleave", () => {
    hair.removeAttribute("d");
    reading.hidden = true;
  });
}
