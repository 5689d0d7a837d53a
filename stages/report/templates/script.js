"use strict";
// Each head of a table is a button that sorts by its column: up, then down. Empty fields come last.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const key = (row, column) => {
    const cell = row.cells[column];
    return heads[column].classList.contains("number")
      ? (cell.dataset.value === undefined ? null : Number(cell.dataset.value))
      : cell.textContent;
  };
  const compare = (one, other) =>
    typeof one === "string" ? one.localeCompare(other, "en", { numeric: true }) : one - other;
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const order = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
      const sign = order === "ascending" ? 1 : -1;
      const rows = [...body.rows].sort((first, second) => {
        const one = key(first, column);
        const other = key(second, column);
        if (one === null || other === null) return (one === null) - (other === null);
        return sign * compare(one, other);
      });
      body.append(...rows);
      heads.forEach((other) => other.setAttribute("aria-sort", other === head ? order : "none"));
    });
  });
}
