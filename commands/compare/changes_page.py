"""A review as one HTML page that needs nothing else, with pictures of what came and went."""

from collections.abc import Iterator, Sequence
from importlib import import_module

from commands.compare.comment_sections import said_of, sections
from commands.compare.files import Files
from commands.compare.markdown import Cell, Code, Row, Section, said
from commands.compare.review import Review
from commands.compare.revisions import PREPARED
from commands.compare.subset_changes import Moved
from stages.report import markup
from stages.report.labels import Labels
from stages.shared.errors import UserError

MOST_SHOWN = 24  # samples that came, and as many that went
STYLE = """
:root { color-scheme: light dark; --ink: #1c1f23; --soft: #5b636d; --line: #d9dde2;
  --paper: #ffffff; --panel: #f5f6f8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7eb; --soft: #9aa4b0; --line: #343a42; --paper: #15181c; --panel: #1e2227; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .5rem; }
p { margin: .25rem 0; max-width: 46rem; color: var(--soft); }
code { font: .875em ui-monospace, monospace; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; margin: .5rem 0; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { padding: .3rem .75rem; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; }
th { color: var(--soft); font-weight: 600; white-space: nowrap; }
th:first-child, td:first-child { padding-left: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.problems { background: var(--panel); border-left: 3px solid #b45309; padding: .5rem .75rem;
  margin: 1rem 0; overflow-wrap: anywhere; }
.tiles { list-style: none; margin: .75rem 0; padding: 0; display: grid; gap: .75rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, var(--tile)), 1fr)); }
.images { --tile: 6.5rem; } .scenes { --tile: 16rem; } .texts { --tile: 20rem; }
.tiles li { background: var(--panel); border-radius: 6px; padding: .5rem; }
figure { margin: 0; }
img { display: block; max-width: 100%; height: auto; image-rendering: pixelated; }
.scenes img { width: 100%; image-rendering: auto; }
blockquote { margin: 0; font-size: .9rem; overflow-wrap: anywhere; }
figcaption { margin-top: .4rem; font-size: .8rem; line-height: 1.35; color: var(--soft); }
figcaption code { color: var(--ink); }
@media print { .tiles li { break-inside: avoid; } }
"""
HEAD = (
    '<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    # Nothing is run and nothing is fetched, whatever a sample is called.
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
)


def page(reviews: Sequence[Review]) -> str:
    """Return reviews as a whole page."""
    body = "".join(part for review in reviews for part in _parts(review))
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{HEAD}<title>Changes of the selection</title>'
        f"\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )


def _parts(review: Review) -> Iterator[str]:
    names = [f"<code>{markup.text(files.name)}</code>" for files in (review.first, review.second)]
    yield f"<h1>Changes of the selection</h1>\n<p>from {names[0]} to {names[1]}</p>\n"
    if review.problems:
        yield _problems(review.problems)
    first, *others = sections(review)
    yield _section(first)
    if review.subsets is not None and review.labels is not None:
        yield _gallery("Came", review.second, review.labels[1], review.subsets.came)
        yield _gallery("Went", review.first, review.labels[0], review.subsets.went)
    yield from map(_section, others)


def _problems(lines: Sequence[str]) -> str:
    items = "".join(f"<div>{markup.text(line)}</div>\n" for line in lines)
    return f'<div class="problems" role="note"><strong>Not compared</strong>\n{items}</div>\n'


def _section(section: Section) -> str:
    text = "".join(f"<p>{markup.text(sentence)}</p>\n" for sentence in section.sentences)
    return f"<section>\n<h2>{markup.text(section.title)}</h2>\n{text}{_table(section)}</section>\n"


def _table(section: Section) -> str:
    if not section.rows:
        return ""
    header = "".join(
        f'<th scope="col"{_align(value)}>{markup.text(name)}</th>'
        for name, value in section.rows[0].items()
    )
    body = "".join(f"<tr>{_cells(row, section.decimals)}</tr>\n" for row in section.rows)
    # Whoever has no mouse must be able to scroll a wide one.
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{markup.text(section.title)}">'
        f"<table>\n<thead><tr>{header}</tr></thead>\n<tbody>\n{body}</tbody>\n</table></div>\n"
    )


def _cells(row: Row, decimals: int) -> str:
    return "".join(f"<td{_align(value)}>{_cell(value, decimals)}</td>" for value in row.values())


def _align(value: Cell) -> str:
    return "" if isinstance(value, str) else ' class="number"'


def _cell(value: Cell, decimals: int) -> str:
    shown = markup.text(said(value, decimals))
    return f"<code>{shown}</code>" if isinstance(value, Code) else shown


# --- samples -------------------------------------------------------------------------------------


def _gallery(title: str, files: Files, labels: Labels, moved: Sequence[Moved]) -> str:
    """Return the first that came, or went, drawn as the revision's task draws its samples."""
    shown = moved[:MOST_SHOWN]
    if not shown:
        return f"<section>\n<h2>{title}: 0</h2>\n</section>\n"
    try:
        tiles = _tiles(files, labels, shown, has_come=title == "Came")
    except UserError as error:
        tiles = _problems([str(error)])
    order = f"The first {len(shown)} in the order of picking" if moved[MOST_SHOWN:] else "All"
    return (
        f"<section>\n<h2>{title}: {len(moved)}</h2>\n<p>{order}, with their ranks by score before "
        f"and after.</p>\n{tiles}</section>\n"
    )


def _tiles(files: Files, labels: Labels, shown: Sequence[Moved], *, has_come: bool) -> str:
    kind = files.rules.gallery
    drawing = import_module(f"stages.report.gallery_of_{kind}")
    inputs_N = files.read(lambda root: drawing.load(root / PREPARED), f"{PREPARED}/train")
    figures = []
    for one in shown:
        label = labels.said_of(one.row)
        sample = drawing.thumbnail(inputs_N, labels, one.row)
        about = [
            f"<code>{markup.text(one.sample_id)}</code>",
            markup.text(label if labels.boxes else f"label {label}"),
            f"rank {said_of(one, has_come=has_come)}",
        ]
        caption = f"<figcaption>{'<br>'.join(about)}</figcaption>"
        figures.append(f"<li><figure>{sample}{caption}</figure></li>\n")
    return f'<ul class="tiles {kind}">\n{"".join(figures)}</ul>\n'
