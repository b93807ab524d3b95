// Niceties only: sorting tables and reading charts. The page says everything without them.
"use strict";

{
  const language = document.documentElement.lang;
  const mark = (1.5).toLocaleString(language)[1];
  const written = (number, places) =>
    number.toLocaleString(language, { minimumFractionDigits: places, maximumFractionDigits: places });
  const read = (text) => {
    const figure = text.replace(/[^\d.,\u2212]/g, "").replaceAll(mark === "," ? "." : ",", "");
    return Number(figure.replace(mark, ".").replace("\u2212", "-")) || 0;
  };

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
        const numeric = head.classList.contains("n");
        const value = ({ cells: { [column]: cell } }) => {
          if (!numeric) return cell.dataset.sort ?? cell.textContent.trim();
          return "sort" in cell.dataset ? Number(cell.dataset.sort) : read(cell.textContent);
        };
        const rows = [...body.rows].sort((one, other) => {
          const [a, b] = [value(one), value(other)];
          const order = numeric ? a - b : a.localeCompare(b, language, { numeric: true });
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
      const step = written(Math.round(x.value(nearest[0].point[0])), 0);
      const values = nearest.map(({ label, point }) => `${label}\u00a0${written(y.value(point[1]), 2)}`);
      hair.setAttribute("d", `M${nearest[0].point[0]} 12V206`);
      reading.hidden = false;
      reading.textContent = chart.dataset.reading.replace("{step}", step).replace("{values}", values.join(" · "));
    });
    chart.addEventListener("pointerleave", () => {
      hair.removeAttribute("d");
      reading.hidden = true;
    });
  }
}
