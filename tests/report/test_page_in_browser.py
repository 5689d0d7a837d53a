"""The page in headless Chromium: on a phone and a desk, light and dark, by mouse and keyboard."""

import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from stages.report.numbers.tables import all_tables
from stages.report.page.document import document
from stages.shared.artifacts import Sequences, load_sample_list
from stages.shared.artifacts.user_lists import INCLUDE_HEADER

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE, DESK = 390, 1280
# Of WCAG 2: (L + 0.05) / (l + 0.05) of the relative luminances of a text and what lies behind it.
CONTRAST = """() => {
  const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const channel = (v) => linear(v / 255);
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const over = (top, below) => [0, 1, 2].map(
    (place) => below[place] + (top[3] ?? 1) * (top[place] - below[place]));
  const behind = (element) => {
    const around = element.parentElement ? behind(element.parentElement) : [255, 255, 255];
    return over(parts(getComputedStyle(element).backgroundColor), around);
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || element.closest("script")) continue;
    const style = getComputedStyle(element);
    const ink = parts(element.closest("svg") ? style.fill : style.color);
    const [a, b] = [luminance(ink), luminance(behind(element))];
    found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.outerHTML.slice(0, 90)]);
  }
  return found.sort((x, y) => x[0] - y[0])[0];
}"""


@pytest.fixture(scope="module")
def browser():
    # Here: it takes half a second, and other tests need none.
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(reported, tmp_path_factory):
    """Where the page lies, alone in its folder."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_bytes(reported["plots/report.html"])
    return path.as_uri()


@pytest.fixture(scope="module")
def opened(browser, address):
    """Return a function that opens the page, once for each width and scheme."""
    pages = {}

    def open_page(width=DESK, scheme="light"):
        if (width, scheme) not in pages:
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            page.said, page.asked = [], []
            page.on("console", lambda message: page.said.append(message.text))
            page.on("pageerror", lambda error: page.said.append(str(error)))
            page.on("request", lambda request: page.asked.append(request.url))
            page.goto(address)
            page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
            pages[width, scheme] = page
        return pages[width, scheme]

    return open_page


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_it_opens_without_a_word_in_the_console_and_asks_for_no_other_file(opened, address, width):
    page = opened(width)
    assert page.said == []
    assert [url for url in page.asked if not url.startswith("data:")] == [address]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_fine_is_marked_otherwise_than_what_is_not(opened, scheme):
    colours = opened(scheme=scheme).eval_on_selector_all(
        ".mark", "all => all.map((one) => [one.textContent, getComputedStyle(one).color])"
    )
    fine, look = ({colour for word, colour in colours if word == of} for of in ("fine", "look"))
    assert fine
    assert look
    assert not fine & look


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_it_is_as_wide_as_its_window_and_every_picture_is_seen(opened, width):
    page = opened(width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    widths = page.eval_on_selector_all(
        "img:not(#tiles img)", "all => all.map((one) => one.naturalWidth)"
    )
    assert len(widths) >= 16
    assert min(widths) > 0
    # What is drawn has a size, and no label leaves the drawing.
    outside = page.eval_on_selector_all(
        "figure svg[role=img]",
        """all => all.flatMap((svg) => {
          const box = svg.getBoundingClientRect();
          return [...svg.querySelectorAll("text")].filter((text) => {
            const own = text.getBoundingClientRect();
            return own.left < box.left - 1 || own.right > box.right + 1
              || own.top < box.top - 1 || own.bottom > box.bottom + 1;
          }).map((text) => text.textContent);
        })""",
    )
    assert outside == []


def test_at_a_desk_no_table_is_cut_off(opened):
    page = opened(DESK)
    hidden = page.eval_on_selector_all(
        ".scroll", "all => all.map((one) => one.scrollWidth - one.clientWidth)"
    )
    assert len(hidden) >= 2
    assert max(hidden) == 0


def column(page, number):
    """Return a column of the table of compared subsets."""
    rows = page.locator("#compared tbody tr")
    return rows.locator(f"td:nth-child({number})").all_inner_texts()


def test_a_table_sorts_by_its_numbers_on_a_click_and_back_on_another(opened):
    page = opened()
    head = page.get_by_role("columnheader", name="Picks")
    button = head.get_by_role("button")
    button.click()
    assert (head.get_attribute("aria-sort"), column(page, 6)) == ("ascending", ["20", "20", "80"])
    button.click()
    assert (head.get_attribute("aria-sort"), column(page, 6)) == ("descending", ["80", "20", "20"])
    # An empty field is last either way: everything has no difference to itself.
    for _ in range(2):
        page.get_by_role("button", name="vs everything").click()
        assert column(page, 1)[-1] == "everything"
    assert head.get_attribute("aria-sort") == "none"


def test_a_table_sorts_by_keyboard(opened):
    page = opened()
    button = page.get_by_role("button", name="Subset")
    button.focus()
    page.keyboard.press("Enter")
    assert column(page, 1) == ["everything", "random", "selected"]
    page.keyboard.press("Space")
    assert column(page, 1) == ["selected", "random", "everything"]
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Test"


def test_the_first_thing_that_the_keyboard_reaches_leads_past_the_head(opened):
    page = opened(PHONE)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the verdict"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_everything_that_is_not_text_has_a_name_for_those_who_listen(opened):
    page = opened()
    assert page.get_by_role("main").count() == 1
    assert page.get_by_role("navigation", name="Contents").count() == 1
    decisions = ("Verdict", "How much data?", "May I trust it?", "Labels to check")
    for name in (*decisions, "Taken and left out", "Compared subsets", "Rounds"):
        assert page.get_by_role("region", name=name, exact=True).count() >= 1
    for role in ("img", "button", "link", "table"):
        shown = page.get_by_role(role)
        assert shown.count() > 0
        if role != "table":
            named = page.get_by_role(role, name=re.compile(r"\S"))
            assert named.count() == shown.count()


def test_light_and_dark_differ_and_every_word_is_readable_on_both(opened):
    behind = {}
    for scheme in ("light", "dark"):
        page = opened(DESK, scheme)
        behind[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
        least, where = page.evaluate(CONTRAST)
        assert least >= 4.5, (scheme, where)
    assert behind == {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 22, 27)"}


def test_on_paper_it_is_black_on_white_without_what_only_a_screen_needs(opened):
    page = opened(DESK, "dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.get_by_role("navigation").is_visible()
    least, where = page.evaluate(CONTRAST)
    assert least >= 4.5, where
    page.emulate_media(media="screen")


def test_a_text_is_the_name_of_what_opens_it(browser, finished, tmp_path):
    """A label beside it would hide from those who listen what is written there."""
    results = finished.results()
    stored = [f"text {row}".encode() for row in range(80)]
    offset_N1 = np.cumsum([0, *map(len, stored)])
    inputs = Sequences(np.frombuffer(b"".join(stored), dtype=np.uint8), offset_N1)
    rules = replace(results.params.rules, gallery="texts")

    class Params:
        def __getattr__(self, name):
            return rules if name == "rules" else getattr(results.params, name)

    draws = [replace(results, inputs_N=inputs, params=Params())]
    path = tmp_path / "texts.html"
    path.write_text(document(draws, all_tables(draws)))
    page = browser.new_page()
    page.goto(path.as_uri())
    shown = page.get_by_role("button", name=re.compile(r"^text \d+$"))
    assert shown.count() == page.locator("#tiles .open").count() == 60
    page.close()


# --- every sample --------------------------------------------------------------------------------


@pytest.fixture
def fresh(browser, address):
    """The page as it opens, for one test alone."""
    page = browser.new_page(viewport={"width": DESK, "height": 900}, accept_downloads=True)
    page.goto(address)
    yield page
    page.close()


def field(page, name):
    return page.locator(f"#filters [name={name}]")


def test_samples_are_filtered_sorted_and_found_by_name(fresh):
    count = fresh.locator("#count")
    assert count.inner_text() == "80 samples: 20 taken, 60 left out"
    assert fresh.locator("#tiles li").count() == 60
    fresh.get_by_role("button", name="Show more").click()
    assert fresh.locator("#tiles li").count() == 80
    field(fresh, "which").select_option("taken")
    assert count.inner_text() == "20 samples: 20 taken, 0 left out"
    assert fresh.get_by_role("button", name="Show more").is_hidden()
    field(fresh, "round").select_option("0")
    assert count.inner_text() == "5 samples: 5 taken, 0 left out"
    field(fresh, "which").select_option("all")
    field(fresh, "round").select_option("")
    field(fresh, "label").select_option("bee")
    told = fresh.evaluate("JSON.parse(document.getElementById('samples-data').textContent)")
    assert count.inner_text().startswith(f"{told['label'].count(1)} samples")
    field(fresh, "label").select_option("")
    field(fresh, "words").fill("77")
    assert fresh.locator("#tiles .name").all_inner_texts() == ["77"]


def test_the_highest_scores_come_first_and_what_did_not_compete_last(fresh):
    told = fresh.evaluate("JSON.parse(document.getElementById('samples-data').textContent)")
    first = fresh.locator("#tiles .name").first
    assert told["rank"][told["name"].index(first.inner_text())] == 1
    field(fresh, "order").select_option("name")
    assert first.inner_text() == "0"
    field(fresh, "order").select_option("quality")
    least = min(told["quality"])
    assert told["quality"][told["name"].index(first.inner_text())] == least


def test_what_is_ticked_is_saved_as_a_list_that_the_pipeline_reads(fresh, tmp_path):
    choices = fresh.locator("#choices")
    assert choices.is_hidden()
    for row in (0, 1):
        fresh.locator("#tiles li").nth(row).get_by_label("leave out: ").check()
    names = fresh.locator("#tiles .name").all_inner_texts()[:2]
    assert choices.is_visible()
    # Always to take and to leave out exclude each other.
    fresh.locator("#tiles li").nth(1).get_by_label("take: ").check()
    assert not fresh.locator("#tiles li").nth(1).get_by_label("leave out: ").is_checked()
    for list_, name in zip(("exclude", "include"), names, strict=True):
        with fresh.expect_download() as download:
            fresh.get_by_role("button", name=f"Save {list_}.csv").click()
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        assert path.name == f"{list_}.csv"
        (found,) = load_sample_list(path, INCLUDE_HEADER, [name])
        assert found.row == 0


def test_a_sample_is_looked_at_by_keyboard_and_the_window_closes(fresh):
    button = fresh.locator("#tiles .open").first
    button.focus()
    fresh.keyboard.press("Enter")
    dialog = fresh.get_by_role("dialog")
    assert dialog.is_visible()
    assert "rank 1 by score" in dialog.inner_text()
    fresh.keyboard.press("Escape")
    assert dialog.is_hidden()
    assert fresh.evaluate("document.activeElement.className") == "open"
