"""Lists that people write: whatever an editor or a spreadsheet makes of them, they say the same."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.shared.artifacts import check_lists, load_list, load_sample_list
from stages.shared.artifacts.user_names import name_hint
from stages.shared.errors import ArtifactError
from stages.shared.settings.params import load_params

HEADER = ["path", "label"]
USUAL = "path,label\nx/1.png,cat\nx/2.png,dog\n"


@pytest.fixture
def read(tmp_path):
    """Return the lines of a list with these bytes, fields without the spaces around them."""

    def load(content):
        path = tmp_path / "list.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        lines = load_list(path, HEADER)
        return [(line.number, *map(str.strip, line.fields)) for line in lines]

    return load


@pytest.fixture
def refused(read):
    """Return the line that is said of a list with these bytes, without its path."""

    def load(content):
        with pytest.raises(ArtifactError) as raised:
            read(content)
        line = str(raised.value)
        assert "\n" not in line
        return line.partition("list.csv: ")[2]

    return load


CAT, DOG = ("x/1.png", "cat"), ("x/2.png", "dog")


FORMS = {
    "usual": (USUAL, (2, 3)),
    "byte-order mark": (USUAL.encode("utf-8-sig"), (2, 3)),
    "Excel's own first line": (f"sep=,\r\n{USUAL}", (3, 4)),
    "of Windows": (USUAL.replace("\n", "\r\n"), (2, 3)),
    "of Windows, twice": (USUAL.replace("\n", "\r\r\n"), (2, 3)),
    "of an old Mac": (USUAL.replace("\n", "\r"), (2, 3)),
    "no last line end": (USUAL.removesuffix("\n"), (2, 3)),
    "blank last lines": (f"{USUAL}\n\n  \n", (2, 3)),
    "empty rows of a spreadsheet": (f"{USUAL},\n , \n", (2, 3)),
    "blank lines between": (USUAL.replace("x/2", "\n\nx/2"), (2, 5)),
    "a blank first line": (f"\n{USUAL}", (3, 4)),
    "spaces around labels": (USUAL.replace("cat", " cat").replace("dog", "dog \t"), (2, 3)),
    "spaces in the header": (USUAL.replace("path,label", " path , label"), (2, 3)),
    "empty last columns": (USUAL.replace("\n", ",,\n"), (2, 3)),
    "quotes": ('"path","label"\n"x/1.png","cat"\n"x/2.png","dog"\n', (2, 3)),
    "spaces before quotes": ('"path", "label"\n"x/1.png", "cat"\n"x/2.png", "dog"\n', (2, 3)),
}


@pytest.mark.parametrize(("content", "lines"), FORMS.values(), ids=FORMS)
def test_however_a_list_was_saved_it_says_the_same_and_its_lines_keep_their_numbers(
    read, content, lines
):
    assert read(content) == [(lines[0], *CAT), (lines[1], *DOG)]


def test_lines_are_counted_as_editors_do_where_a_field_holds_line_ends(read):
    found = read('path,label\n"a\nb",cat\n\nx/2.png,dog\n')
    assert found == [(2, "a\nb", "cat"), (5, *DOG)]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_refused_in_a_line_that_says_what_to_do(refused, encoding):
    assert refused(USUAL.encode(encoding)) == (
        "is UTF-16; save it as UTF-8, in a spreadsheet as 'CSV UTF-8'"
    )


def test_a_workbook_that_is_called_csv_is_refused_in_the_same_way(refused):
    assert refused(b"PK\x03\x04\x14\x00").startswith("is a workbook or an archive; save it as ")


@pytest.mark.parametrize(("mark", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_another_separator_is_refused_with_its_name(refused, mark, name):
    line = refused(USUAL.replace(",", mark))
    assert line.startswith("its first line is path")
    assert line.endswith(f"it must be path,label, separated by commas, not by {name}")


def test_all_lines_of_another_length_are_named(refused):
    assert refused(f"{USUAL}\nx/3.png\na,b,c\n") == (
        "line 5 has 1 fields; line 6 has 3 fields; it must have 2"
    )


def test_a_name_with_a_comma_is_told_to_stand_in_quotes(refused):
    line = refused(f"{USUAL}x/a,b.png,cat\n")
    assert line == "line 4 has 3 fields; it must have 2; a name with a comma stands in quotes"


def test_a_quote_that_is_not_closed_is_told(refused):
    line = refused(f'{USUAL}"x/3.png,cat\nx/4.png,cat\n')
    assert line == "line 4 has 1 fields; it must have 2; a quote that opens must close"


@settings(max_examples=40)
@given(st.lists(st.lists(st.text(st.sampled_from('ab,"\r\n é')), min_size=2, max_size=2)))
def test_what_csv_writes_is_read_back_but_for_rows_of_nothing(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("lists") / "list.csv"
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([HEADER, *rows])
    path.write_bytes(text.getvalue().encode())
    expected = [row for row in rows if any(field.strip() for field in row)]
    assert [line.fields for line in load_list(path, HEADER)] == expected


# --- lists of samples -----------------------------------------------------------------------------


def samples(tmp_path, text, sample_ids=("a.png", " b.png", "c.png")):
    path = tmp_path / "list.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return load_sample_list(path, ["sample_id"], sample_ids)


def test_spaces_around_a_sample_count_only_where_its_name_has_them(tmp_path):
    found = samples(tmp_path, "sample_id\n b.png\n a.png \nc.png\nd.png\n")
    assert found == [(2, " b.png", 1), (3, "a.png", 0), (4, "c.png", 2), (5, "d.png", None)]


def test_a_sample_that_is_named_twice_is_an_error_that_names_both_lines(tmp_path):
    with pytest.raises(ArtifactError, match=r"line 4 names a\.png again, as line 2 does"):
        samples(tmp_path, "sample_id\na.png\nc.png\na.png \n")


def test_all_lists_that_cannot_be_read_are_told_before_a_stage_needs_them(project):
    """A list that is missing, and one that a spreadsheet wrote as UTF-16."""
    project.change({"select.exclude": "lists/exclud.csv"})
    Path("lists/reference.csv").write_bytes("sample_id,score\n".encode("utf-16"))
    with pytest.raises(ArtifactError) as raised:
        check_lists(load_params())
    assert str(raised.value) == (
        "lists/exclud.csv: missing; it must be CSV with sample_id,reason; and "
        "lists/reference.csv: is UTF-16; save it as UTF-8, in a spreadsheet as 'CSV UTF-8'"
    )
    project.change({"select.exclude": "lists/exclude.csv"})
    Path("lists/reference.csv").write_text("sample_id,score\n")
    check_lists(load_params())


KNOWN = ["cat/1.png", "dog/1.png", "cat/2.png", "cat/\u00fcber.png"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("cat\\1.png", " (did you mean cat/1.png?)"),
        ("./cat/1.png", " (did you mean cat/1.png?)"),
        ("/data/images/cat/1.png", " (did you mean cat/1.png?)"),
        ("2.png", " (did you mean cat/2.png?)"),
        ("cat/u\u0308ber.png", " (did you mean cat/\u00fcber.png?)"),
        ("cat/\udcfcber.png", " (byte 0xfc is no UTF-8; save it as UTF-8)"),
        ("1.png", ""),  # of two classes
        ("cow/1.png", ""),
    ],
)
def test_a_name_that_is_nearly_a_sample_s_is_told_which(name, hint):
    assert name_hint(name, KNOWN) == hint


def test_a_name_that_is_no_utf_8_is_found_as_it_is(tmp_path):
    assert samples(tmp_path, "sample_id\nx\udce9\n", ["x\udce9"]) == [(2, "x\udce9", 0)]
