"""Reviews in CSV files: what a row is, what is wrong with one, and the arrays that they become."""

import csv
import io
from itertools import pairwise
from zlib import crc32

import numpy as np
import pytest
import toy
import toy_texts
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.prepare.__main__ import main
from stages.shared import artifacts
from stages.shared.artifacts import SPLITS, Sequences
from stages.shared.artifacts import sequences as stored
from stages.shared.datasets.reading.source_texts import hashes
from stages.shared.datasets.text_classification import amazon_full, amazon_polarity, reviews
from stages.shared.errors import DataError


@pytest.fixture
def load(tmp_path, dataset):
    """Load bytes that stand in train.csv, and in test.csv if there are any."""

    def load(train, test=None, data_set=reviews):
        (tmp_path / "train.csv").write_bytes(train)
        if test is not None:
            (tmp_path / "test.csv").write_bytes(test)
        return data_set.load(dataset(name="reviews", root=str(tmp_path)))

    return load


def texts_of(source):
    texts = source.inputs.texts
    return [texts[row].tobytes().decode() for row in range(len(texts))]


def words_of(source):
    words = source.inputs.words
    return [words[row].view(np.uint32).tolist() for row in range(len(words))]


# --- rows -----------------------------------------------------------------------------------------


def test_a_row_is_a_class_from_1_and_a_text_with_its_title_before_it(load):
    source = load(b'"2","Fine","Very good."\n"1","","dull"\n', b'"1","No","bad"\n')
    assert source.class_names == ["1", "2"]
    assert source.targets_N.tolist() == [1, 0, 0]
    assert texts_of(source) == ["Fine Very good.", "dull", "No bad"]
    assert source.sample_ids == ["train/0", "train/1", "test/0"]
    assert source.given_splits == ["train", "train", "test"]
    assert source.problems == []


def test_a_file_without_a_test_split_has_no_splits_of_its_own(load):
    assert load(b"1,a,b\n2,a,b\n").given_splits is None


def test_quotes_stand_twice_and_fields_may_hold_commas_and_line_feeds(load):
    source = load(b'"1","He said ""no""","one, two\nthree"\n2,no quotes,here\n')
    assert texts_of(source) == ['He said "no" one, two\nthree', "no quotes here"]


def test_the_escapes_of_the_amazon_files_stay_as_they_are(load):
    assert texts_of(load(rb'"1","a","one\ntwo \"" three"' + b"\n")) == [r"a one\ntwo \" three"]


def test_lines_may_end_with_carriage_returns_and_the_first_may_begin_with_a_byte_order_mark(load):
    source = load(b"\xef\xbb\xbf" + '"1","é","ü"\r\n"2","a","b"\r\n'.encode())
    assert texts_of(source) == ["é ü", "a b"]
    assert not source.problems


@given(
    rows=st.lists(
        st.tuples(
            st.integers(1, 9),
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        ),
        min_size=1,
    )
)
def test_what_python_writes_is_read_as_it_was(rows, tmp_path_factory, dataset):
    root = tmp_path_factory.mktemp("reviews")
    toy_texts.write_csv(root / "train.csv", rows)
    source = reviews.load(dataset(root=str(root)))
    expected = [(str(label), f"{title} {text}".strip()) for label, title, text in rows]
    expected = [(label, text) for label, text in expected if text]
    labels = [source.class_names[target] for target in source.targets_N.tolist()]
    assert list(zip(labels, texts_of(source), strict=True)) == expected
    assert len(source.problems) == len(rows) - len(expected)


def test_a_number_without_a_row_is_no_class(load, capsys):
    source = load(b"4,a,b\n1,c,d\n", b"2,e,f\n")
    assert source.class_names == ["1", "2", "4"]
    assert source.targets_N.tolist() == [2, 0, 1]
    assert "left out 1 classes without a sample: '3'\n" in capsys.readouterr().err


@pytest.mark.parametrize("end", [b"\n", b"\r\n\n"])
def test_blank_lines_at_the_end_are_no_rows(load, end):
    source = load(b"2,a,b\n1,c,d\n" + end)
    assert texts_of(source) == ["a b", "c d"]
    assert source.problems == []


def test_the_amazon_sets_have_names_for_their_classes(load):
    source = load(b"2,a,b\n", data_set=amazon_polarity)
    assert source.class_names == ["negative", "positive"]
    source = load(b"5,a,b\n", data_set=amazon_full)
    assert source.class_names == ["1 star", "2 stars", "3 stars", "4 stars", "5 stars"]
    assert source.targets_N.tolist() == [4]


# --- malformed rows -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (b"1,only two", "has 2 fields; it must have 3: class, title, text"),
        (b"1,a,b,c", "has 4 fields; it must have 3: class, title, text"),
        (b"", "has 0 fields; it must have 3: class, title, text"),
        (b"class,title,text", "the class is 'class'; it must be a number from 1 to 2"),
        (b"0,a,b", "the class is '0'; it must be a number from 1 to 2"),
        (b"3,a,b", "the class is '3'; it must be a number from 1 to 2"),
        (b"-1,a,b", "the class is '-1'; it must be a number from 1 to 2"),
        (b"1.0,a,b", "the class is '1.0'; it must be a number from 1 to 2"),
        ("٢,a,b".encode(), r"the class is '\u0662'; it must be a number from 1 to 2"),
        (b'1,"",""', "the text is empty; title or text must hold something"),
        (b'1," ","\t"', "the text is empty; title or text must hold something"),
        (b"1,a,\xe9t\xe9 b", "byte 0xe9 is no UTF-8; the file must be UTF-8 throughout"),
        (b"1,\xed\xa0\x80,b", "byte 0xed is no UTF-8; the file must be UTF-8 throughout"),
        (b'1,"a"b,c', "',' expected after '\"'; a quote within a field must stand twice"),
    ],
)
def test_a_malformed_row_is_named_by_its_line(load, row, expected):
    source = load(b'1,a,"two\nlines"\n' + row + b"\n2,a,b\n", data_set=amazon_polarity)
    assert source.problems == [f"train.csv line 3: {expected}"]
    assert texts_of(source) == ["a two\nlines", "a b"]


def test_a_quote_that_never_ends_is_named_by_the_line_it_begins_in(load):
    assert load(b'1,a,b\n2,a,"b\n1,a,c\n').problems == [
        "train.csv line 2: unexpected end of data; a quote within a field must stand twice"
    ]


def test_problems_of_both_files_are_listed_together(load):
    problems = load(b"1,a,b\nx,a,b\n", b"1,a\n1,,\n").problems
    assert [problem.partition(":")[0] for problem in problems] == [
        "train.csv line 2",
        "test.csv line 1",
        "test.csv line 2",
    ]


def test_where_any_row_is_malformed_nothing_is_written(tmp_path, monkeypatch):
    rows = toy_texts.reviews(30)
    toy_texts.write_csv(tmp_path / "raw/train.csv", [*rows, *[("x", "a", "b")] * 25])
    monkeypatch.chdir(tmp_path)
    toy.write_params(tmp_path, toy_texts.params(tmp_path / "raw"))
    more = r"; and 5 more \(all 25 are in data/problems\.txt\)\. Every"
    with pytest.raises(DataError, match=rf"train.csv line 31: .*line 50: .*{more}") as e:
        main(tmp_path / "prepared", tmp_path / "scratch")
    assert "\n" not in str(e.value)
    listed = (tmp_path / "data/problems.txt").read_text().splitlines()
    assert [line.partition(":")[0] for line in listed] == [
        f"train.csv line {number}" for number in range(31, 56)
    ]
    assert not (tmp_path / "prepared").exists()


@pytest.mark.parametrize("kind", ["file", "empty folder", "nothing"])
def test_a_root_without_train_csv_is_refused_in_one_line(tmp_path, dataset, kind):
    root = tmp_path / "root"
    if kind == "file":
        root.write_text("1,a,b\n")
    elif kind == "empty folder":
        root.mkdir()
    with pytest.raises(DataError, match=r"dataset.root is '.*root': found no train.csv in it; it"):
        reviews.load(dataset(root=str(root)))


def test_files_without_rows_and_folders_named_so_are_refused(load, tmp_path):
    with pytest.raises(DataError, match=r"train.csv: holds no row; it must hold class, title"):
        load(b"")
    (tmp_path / "test.csv").mkdir()
    with pytest.raises(DataError, match=r"test.csv: cannot be read \(Is a directory\); it must be"):
        load(b"1,a,b\n")


# --- words ----------------------------------------------------------------------------------------


def test_a_word_is_the_crc_32_of_its_lower_case_form():
    # 0xcbf43926 is the check value that every CRC-32 publishes; the others are from zlib.
    assert list(hashes("123456789")) == [0xCBF43926]
    assert list(hashes("A a b.")) == [0xE8B7BE43, 0xE8B7BE43, 0x71BEEFF9, crc32(b".")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't stop!", ["don", "'", "t", "stop", "!"]),
        ("a_b  c\td\ne", ["a", "_", "b", "c", "d", "e"]),
        ("ÉTÉ naïve 日本", ["été", "naïve", "日本"]),
        ("$5.00", ["$", "5", ".", "00"]),
        ("?", ["?"]),
    ],
)
def test_words_are_runs_of_letters_and_digits_or_single_signs(text, words):
    assert list(hashes(text)) == [crc32(word.encode()) for word in words]


# --- arrays ---------------------------------------------------------------------------------------


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """Toy reviews, prepared, and their rows by sample id."""
    rows = {split: toy_texts.reviews(num, num) for split, num in (("train", 90), ("test", 20))}
    for split, content in rows.items():
        toy_texts.write_csv(tmp_path / f"raw/{split}.csv", content)
    monkeypatch.chdir(tmp_path)
    toy.write_params(tmp_path, toy_texts.params(tmp_path / "raw"))
    main(tmp_path / "prepared", tmp_path / "scratch")
    ids = {f"{split}/{row}": text for split in rows for row, text in enumerate(rows[split])}
    return tmp_path / "prepared", ids


def test_the_arrays_hold_what_a_loop_over_the_rows_makes(prepared):
    folder, rows = prepared
    meta = artifacts.load_meta(folder)
    num_words = np.diff(artifacts.load_sequences(folder, "train", "tokens").offset_N1)
    assert (meta.input_shape, meta.mean, meta.std) == ([60], [num_words.mean()], [num_words.std()])
    assert meta.num_samples == {
        "train": 80,
        "validation": 10,
        "test": 20,
    }  # 4.5 of each class rounded up
    for split in SPLITS:
        texts = artifacts.load_sequences(folder, split, "text_bytes")
        words = artifacts.load_sequences(folder, split, "tokens")
        targets_N = artifacts.load_targets(folder, split)
        sample_ids = artifacts.load_sample_ids(folder, split)
        assert len(texts) == len(words) == len(targets_N) == len(sample_ids)
        for row, sample_id in enumerate(sample_ids):
            label, title, text = rows[sample_id]
            assert targets_N[row] == label - 1
            assert texts[row].tobytes() == f"{title} {text}".encode()
            by_hand = [crc32(word.encode()) for word in f"{title} {text}".split()]
            assert words[row].view(np.uint32).tolist() == by_hand


def test_how_many_rows_are_gathered_at_a_time_changes_no_bytes(prepared, tmp_path, monkeypatch):
    folder, _ = prepared
    monkeypatch.setattr(stored, "ROWS_AT_A_TIME", 7)
    main(tmp_path / "again", tmp_path / "scratch")
    files = sorted(path.relative_to(folder) for path in folder.rglob("*.*"))
    assert len(files) == 3 * 6 + 1
    for name in files:
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_the_fingerprint_follows_what_is_read_of_train_and_validation(prepared, tmp_path):
    folder, _ = prepared

    def fingerprint(**changes):
        content = toy_texts.params(tmp_path / "raw")
        content["dataset"] |= changes
        toy.write_params(tmp_path, content)
        main(tmp_path / "again", tmp_path / "scratch")
        return artifacts.load_meta(tmp_path / "again").fingerprint

    first = artifacts.load_meta(folder).fingerprint
    assert fingerprint() == first
    assert fingerprint(text_length=61) != first
    toy_texts.write_csv(tmp_path / "raw/test.csv", toy_texts.reviews(30))
    assert fingerprint() == first
    toy_texts.write_csv(tmp_path / "raw/train.csv", toy_texts.reviews(90))
    assert fingerprint() != first


@settings(max_examples=30)
@given(st.lists(st.lists(st.integers(0, 255))), st.data())
def test_sequences_are_gathered_as_a_loop_would(lists, data):
    values = np.array([value for each in lists for value in each], dtype=np.uint8)
    ends = np.cumsum([0, *map(len, lists)])
    sequences = Sequences(values, ends)
    rows = data.draw(st.lists(st.integers(0, len(lists) - 1)) if lists else st.just([]))
    parts = sequences.parts(np.array(rows, dtype=np.int64))
    found = [value for part in parts for value in part.tolist()]
    assert found == [value for row in rows for value in lists[row]]
    assert [sequences[row].tolist() for row in range(len(sequences))] == lists
    assert all(start <= end for start, end in pairwise(ends))


def test_sequences_that_do_not_belong_together_are_refused(tmp_path):
    texts = Sequences(np.arange(5, dtype=np.uint8), np.array([0, 2, 5]))
    rows_N = np.arange(2)
    artifacts.save_sequences(
        tmp_path, "train", "text_bytes", texts.lengths(rows_N), texts.parts(rows_N)
    )
    loaded = artifacts.load_sequences(tmp_path, "train", "text_bytes")
    np.testing.assert_array_equal(loaded.value_A, texts.value_A)
    artifacts.save_array(tmp_path / "train/text_offsets.npy", np.array([0, 2, 6]))
    with pytest.raises(artifacts.formats.ArtifactError, match=r"found uint8 \[5\]; it must be"):
        artifacts.load_sequences(tmp_path, "train", "text_bytes")
    artifacts.save_array(tmp_path / "train/text_offsets.npy", np.array([0, 6, 5]))
    with pytest.raises(artifacts.formats.ArtifactError, match=r"is \[0, 6, 5\]...; it must rise"):
        artifacts.load_sequences(tmp_path, "train", "text_bytes")


def test_python_reads_the_same_rows(load):
    content = '"1","a ""b""","c\nd"\n"2","x","y"\n'
    by_python = list(csv.reader(io.StringIO(content)))
    assert texts_of(load(content.encode())) == [f"{row[1]} {row[2]}" for row in by_python]
    assert words_of(load(b"1,a,b\n")) == [[crc32(b"a"), crc32(b"b")]]
