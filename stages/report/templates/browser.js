"use strict";
// The samples of the page: filtered, sorted, shown a few at a time, and ticked for lists.
const samples = JSON.parse(document.getElementById("samples-data").textContent);
const STEP = 60;
const WORDS = { exclude: "leave out", include: "take" };
const ticked = { exclude: new Set(), include: new Set() };
const filters = document.getElementById("filters");
const tiles = document.getElementById("tiles");
const more = document.getElementById("more");
const dialog = document.getElementById("close-up");
let found = [];
let shown = 0;

const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

const state = (row) => (samples.round[row] < 0 ? "left out" : samples.taken[samples.round[row]]);

const told = (row) => [
  state(row),
  samples.reasons[samples.reason[row]],
  ...(samples.rank[row] ? [`rank ${samples.rank[row]} by score`] : []),
  ...(samples.quality ? [`${samples.quality[row]} % sure of its label`] : []),
  ...(samples.draws > 1 ? [`picked in ${samples.picked[row]} of ${samples.draws} draws`] : []),
];

// The file and its folder, which often is its class.
const short = (name) => {
  const end = name.split("/").slice(-2).join("/");
  return end.length <= 22 ? end : `${end.slice(0, 9)}…${end.slice(-12)}`;
};

const picture = (row) =>
  samples.picture
    ? element("img", {
        src: `data:image/webp;base64,${samples.picture[row]}`,
        alt: `Sample ${samples.name[row]}`,
      })
    : element("span", { className: "text", textContent: samples.text[row] });

const tick = (list, name, is) => {
  ticked[list][is ? "add" : "delete"](name);
  if (is) ticked[list === "exclude" ? "include" : "exclude"].delete(name);
  for (const box of document.querySelectorAll("input[data-list]")) {
    box.checked = ticked[box.dataset.list].has(box.dataset.name);
  }
  for (const key of Object.keys(ticked)) {
    document.getElementById(`${key}-count`).textContent = ticked[key].size;
    document.getElementById(`${key}-save`).disabled = ticked[key].size === 0;
  }
  document.getElementById("choices").hidden = ticked.exclude.size + ticked.include.size === 0;
};

const box = (list, name) => {
  const made = element("input", { type: "checkbox", checked: ticked[list].has(name) });
  made.dataset.list = list;
  made.dataset.name = name;
  made.setAttribute("aria-label", `${WORDS[list]}: ${name}`);
  return element("label", {}, made, ` ${WORDS[list]}`);
};

const card = (row) => {
  const name = samples.name[row];
  const open = element("button", { type: "button", className: "open", title: name }, picture(row));
  if (samples.picture) open.setAttribute("aria-label", `Look at ${name}`);  // a text names itself
  open.addEventListener("click", () => closeUp(row));
  return element(
    "li",
    { className: samples.round[row] < 0 ? "left-out" : "taken" },
    open,
    element("span", { className: "name", textContent: short(name), title: name }),
    element("span", {
      textContent: state(row) + (samples.rank[row] ? `, rank ${samples.rank[row]}` : ""),
    }),
    element("span", { textContent: samples.reasons[samples.reason[row]] }),
    element("span", { className: "ticks" }, box("exclude", name), box("include", name)),
  );
};

const closeUp = (row) => {
  const name = samples.name[row];
  const large = picture(row);
  const parts = [element("h3", { textContent: name }), large];
  if (samples.folder !== null && samples.picture) {
    const file = samples.folder + name.split("/").map(encodeURIComponent).join("/");
    // The file itself, where the page lies beside the data.
    const whole = element("img", { src: file, alt: large.alt });
    whole.addEventListener("load", () => large.replaceWith(whole));
    parts.push(element("p", {}, element("a", { href: file, textContent: "open the file" })));
  }
  const list = element("ul");
  list.append(...told(row).map((textContent) => element("li", { textContent })));
  document.getElementById("close-up-content").replaceChildren(
    ...parts, list, box("exclude", name), box("include", name),
  );
  dialog.showModal();
};

const WHICH = {
  all: () => true,
  taken: (row) => samples.round[row] >= 0,
  left: (row) => samples.round[row] < 0,
  flagged: (row) => samples.flagged[row] === 1,
  ticked: (row) => Object.values(ticked).some((list) => list.has(samples.name[row])),
};
const lastIfNone = (rank) => rank || Infinity;
const ORDERS = {
  hardest: (one, other) => lastIfNone(samples.rank[one]) - lastIfNone(samples.rank[other]),
  easiest: (one, other) => samples.rank[other] - samples.rank[one],
  quality: (one, other) => samples.quality[one] - samples.quality[other],
  name: (one, other) => samples.name[one].localeCompare(samples.name[other], "en", { numeric: true }),
};

const showMore = () => {
  tiles.append(...found.slice(shown, shown + STEP).map(card));
  shown = Math.min(shown + STEP, found.length);
  more.hidden = shown === found.length;
};

const filter = () => {
  const wanted = Object.fromEntries(new FormData(filters));
  const words = wanted.words.trim().toLowerCase();
  found = samples.name.map((_, row) => row).filter(
    (row) =>
      WHICH[wanted.which](row) &&
      (!wanted.label || samples.label[row] === Number(wanted.label)) &&
      (!wanted.round || samples.round[row] === Number(wanted.round)) &&
      samples.name[row].toLowerCase().includes(words),
  );
  found.sort(ORDERS[wanted.order]);
  const taken = found.filter(WHICH.taken).length;
  document.getElementById("count").textContent =
    `${found.length.toLocaleString("en")} samples: ${taken.toLocaleString("en")} taken, ` +
    `${(found.length - taken).toLocaleString("en")} left out`;
  tiles.replaceChildren();
  shown = 0;
  showMore();
};

const field = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const save = (list) => {
  const rows = [...ticked[list]].map((name) => `${field(name)},looked at\n`);
  const file = new Blob(["sample_id,reason\n", ...rows], { type: "text/csv" });
  const link = element("a", { href: URL.createObjectURL(file), download: `${list}.csv` });
  link.click();
  URL.revokeObjectURL(link.href);
};

document.addEventListener("change", ({ target }) => {
  if (target.dataset.list) tick(target.dataset.list, target.dataset.name, target.checked);
});
for (const list of Object.keys(ticked)) {
  document.getElementById(`${list}-save`).addEventListener("click", () => save(list));
}
document.getElementById("close").addEventListener("click", () => dialog.close());
filters.addEventListener("input", filter);
filters.addEventListener("submit", (event) => event.preventDefault());
more.addEventListener("click", showMore);
filter();
