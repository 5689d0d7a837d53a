"""The page as a whole: its head, what leads through it, and its parts."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from stages.report.markup import Markup, element
from stages.report.page import cards, sections
from stages.report.page.tables_of_page import Tables
from stages.report.results import Results
from stages.shared.artifacts.files import write_atomically

HERE = Path(__file__).parent
TITLES = {
    "verdict": "Verdict",
    "compared": "Table",
    "curves": "Accuracy",
    "classes": "Classes",
    "rounds": "Rounds",
    "samples": "Samples",
}
WORDS = [
    "Better, as good, worse: where the 95 % interval of the paired difference lies above nought, "
    "above the margin below nought, or below nought. Sizes and rounds are chosen on validation; "
    "the number on test is of what was chosen.",
    "Full is everything: all train samples. Picks count a sample as often as it is in the subset, "
    "unique counts it once. Members are models of one kind that differ by their seeds; voters are "
    "those of their checkpoints that predict. One draw is what one random seed gives.",
    "Scores, galleries and rounds in full: plots/images and plots/tables.",
]


def save_page(path: Path, draws: Sequence[Results], tables: Tables) -> None:
    """Write the page; equal results give equal bytes."""
    write_atomically(path, document(draws, tables).encode())


def document(draws: Sequence[Results], tables: Tables) -> str:
    """Return the page: one file, with its pictures, style and script in it."""
    results = draws[0]
    parts = {**dict(sections.all_sections(draws, tables)), "samples": cards.samples(results)}
    shown = {key: part for key, part in parts.items() if part}
    title = f"Training subset of {results.meta.dataset}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", _file("style.css")),
    )
    body = element(
        "body",
        element("a", "Skip to the verdict", href="#main", class_="skip"),
        element("header", *_heading(draws, title), _contents(shown)),
        element("main", *shown.values(), id="main", tabindex=-1),
        _footer(),
        element("script", _file("script.js")),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _file(name: str) -> Markup:
    return Markup((HERE / name).read_text(encoding="utf-8"))


def _heading(draws: Sequence[Results], title: str) -> list[Markup]:
    results = draws[0]
    params, num = results.params, len(results.targets_N)
    rounds = "1 round" if len(params.rounds) == 1 else f"{len(params.rounds)} rounds"
    facts = [
        results.meta.task.replace("_", " "),
        f"{len(results.last_subset):,} of {num:,} train samples",
        rounds,
        f"random seeds {', '.join(str(draw.params.random_seed) for draw in draws)}",
    ]
    return [element("h1", title), element("p", " · ".join(facts), class_="facts")]


def _contents(keys: Iterable[str]) -> Markup:
    links = (element("li", element("a", TITLES[key], href=f"#{key}")) for key in keys)
    return element("nav", element("ul", *links), aria_label="Contents")


def _footer() -> Markup:
    return element("footer", *(element("p", words) for words in WORDS))
