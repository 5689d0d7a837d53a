"""Tables of millions of rows are written in parts and read by shorter ways: nobody can tell."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.shared import artifacts
from stages.shared.artifacts import csv_files
from stages.shared.errors import ArtifactError

TEXT = st.text(st.sampled_from('ab,"\r\n\x0b\x00\u2028ü'), max_size=4)


def written_at_once(rows):
    """Return a table's bytes as csv writes it row by row, names with carriage returns in quotes."""
    text = io.StringIO(newline="")
    for row in rows:
        has_return = any("\r" in str(field) for field in row)
        quoting = csv.QUOTE_ALL if has_return else csv.QUOTE_MINIMAL
        csv.writer(text, lineterminator="\n", quoting=quoting).writerow(row)
    return text.getvalue().encode()


@settings(max_examples=40)
@given(st.lists(st.tuples(TEXT, st.floats(allow_nan=False)), max_size=7))
def test_a_table_that_is_written_in_parts_has_the_bytes_of_one_that_is_not(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("table") / "a.csv"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_files, "ROWS_AT_A_TIME", 3)
        artifacts.save_table(path, ["name", "score"], rows)
    assert path.read_bytes() == written_at_once([["name", "score"], *rows])


@settings(max_examples=40)
@given(st.text(st.sampled_from('ab,"\r\n\ufeff\x0b\u2028'), max_size=12))
def test_a_column_is_read_as_csv_reads_it_or_refused_in_the_same_words(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("column") / "a.csv"
    path.write_bytes(f"name\n{text}".encode())
    results = []
    for read in (
        lambda: artifacts.load_column(path, "name"),
        lambda: [row[0] for row in artifacts.load_table(path, ["name"])],
    ):
        try:
            results.append(read())
        except ArtifactError as error:
            results.append(str(error))
    assert results[0] == results[1]


def test_a_column_of_plain_names_is_not_parsed(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_text("name\na.png\nb c.png\n")
    monkeypatch.setattr(csv_files, "load_table", None)
    assert artifacts.load_column(path, "name") == ["a.png", "b c.png"]
