"""The section of near duplicates: what it says, its tables, and when it is not there."""

from stages.report.page.nearly_same import nearly_same
from stages.report.results import Alike
from stages.shared.artifacts.duplicate_groups import Found, Grouped

GROUPED = [
    Grouped("a<1>", "train", "ant", 0, ""),
    Grouped("a2", "test", "ant", 0, ""),
    Grouped("b1", "train", "bee", 1, "4"),
    Grouped("b2", "train", "ant", 1, "4"),
]
FOUND = Found("approximate", 0.95, 0.987, 1200, 4, 2, 2, 1, 1, 1, 1, 1)


def test_sentences_name_the_counts_and_the_recall_of_an_approximate_search():
    told = " ".join(nearly_same(Alike(FOUND, GROUPED, ["c"])).sentences)
    assert "4 of 1,200 samples have a near duplicate (cosine of 0.95 or more), in 2 groups" in told
    assert "of all pairs 98.7 % were found" in told
    assert "1 groups cross splits" in told
    assert "1 samples are blank" in told


def test_tables_show_groups_of_several_splits_or_labels_and_blank_samples():
    tables = nearly_same(Alike(FOUND, GROUPED, ["c"])).tables
    shown = {
        title: [row[head].shown for row in rows for head in row] for title, rows in tables.items()
    }
    assert shown == {
        "Groups that cross splits": ["2", "train, test", "ant", "a<1>, a2"],
        "Groups with more than one label": ["2", "train", "ant, bee", "b1, b2"],
        "Blank samples": ["c"],
    }


def test_what_is_not_there_has_no_table_and_nothing_looked_for_no_section():
    assert nearly_same(Alike(FOUND, GROUPED[:1], [])).tables == {}
    assert nearly_same(Alike(Found("none", 0.95, None, *[0] * 9), [], [])) is None


def test_the_page_has_the_section_where_something_was_looked_for(run):
    from stages.shared.artifacts.duplicate_groups import save_found

    assert b"problems-title" not in run.report(draw=False)["plots/report.html"]
    save_found(run.folders.near_duplicates, FOUND, GROUPED, ["c"])
    page = run.report(draw=False)["plots/report.html"].decode()
    assert '<h2 id="problems-title">' in page
    assert "a&lt;1&gt;, a2" in page
