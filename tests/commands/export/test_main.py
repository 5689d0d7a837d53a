"""Subsets as tables and lists, and what the command refuses."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import toy
import toy_export
from toy_export import export

from commands.export.__main__ import FORMS, main
from stages.shared import artifacts
from stages.shared.errors import ArtifactError, DataError, ParamsError

NAMES = [f"{label}/{number}.png" for label in ("cat", "dog") for number in range(8)]


def read_csv(path):
    return pd.read_csv(
        path,
        dtype=dict.fromkeys(("sample_id", "path", "label"), object),
        keep_default_na=False,
        na_values={"score": [""]},
        encoding_errors="surrogateescape",
    )


def test_the_table_has_a_row_for_each_sample_in_the_order_of_its_first_pick(here):
    made = toy_export.folder_of_images(here / "images", NAMES)
    ids = made.pick([3, 0, 3, 2, 3])

    table = read_csv(export("csv", "subset.csv"))

    assert table.sample_id.tolist() == [ids[0], ids[1], ids[3]]
    assert table.path.tolist() == [f"{here}/images/{name}" for name in table.sample_id]
    assert table.label.tolist() == [name.partition("/")[0] for name in table.sample_id]
    assert table.picks.tolist() == [3, 1, 1]
    assert table["round"].tolist() == [0, 0, 1]
    assert table.score.fillna(99).tolist() == [99, 99, -0.5]  # of the first pick
    assert table["index"].tolist() == [3, 0, 2]


def test_the_list_is_a_subset_to_start_from(here):
    """In the order of picking, each sample once: as seed_subset.file has it."""
    made = toy_export.folder_of_images(here / "images", NAMES)
    ids = made.pick([3, 0, 3, 2])

    found = artifacts.load_sample_list(export("list", "chosen.csv"), ["sample_id"])

    assert [listed.name for listed in found] == [ids[0], ids[1], ids[3]]


def test_names_with_commas_line_feeds_quotes_and_bytes_that_are_no_utf8_survive(here):
    odd = [os.fsdecode(name) for name in (b"a,b.png", b'c\n"d".png', b"e\xff\r.png", b"NA")]
    rows = [(f"{label}/{name}", label) for label in ("cat", "None") for name in (*odd, *"abcdefgh")]
    lines = "".join(f'"{name.replace(chr(34), 2 * chr(34))}",{label},\n' for name, label in rows)
    (here / "list.csv").write_bytes(os.fsencode("path,label,split\n" + lines))
    names = [name for name, _ in rows]
    made = toy_export.folder_of_images(here / "i", names, manifest=str(here / "list.csv"))
    made.pick(range(len(made.ids)))

    table = read_csv(export("csv", "subset.csv"))
    lines = export("text", "null", null=True, ids=True).read_bytes()

    assert table.sample_id.tolist() == made.ids
    assert sum(name.partition("/")[2] in odd for name in made.ids) >= 4
    assert all(Path(path).is_file() for path in table.path)
    assert set(table.label) == {"cat", "None"}
    assert lines.split(b"\0")[:-1] == list(map(os.fsencode, made.ids))


@pytest.mark.parametrize("name", ["=1+1", "@a", "-a", "+a"])
def test_a_word_that_a_spreadsheet_would_run_is_refused_escaped_or_kept(here, name):
    made = toy_export.arrays([name, "-", *map(str, range(58))])
    made.pick([1, 0])

    with pytest.raises(DataError, match="begins as a spreadsheet's formula; allowed with --formu"):
        export("csv", "subset.csv")
    escaped = read_csv(export("csv", "escaped.csv", formulas="escape"))
    kept = read_csv(export("csv", "kept.csv", formulas="keep"))

    assert not Path("subset.csv").exists()
    assert escaped.sample_id.tolist() == ["-", f"'{name}"]
    assert kept.sample_id.tolist() == ["-", name]


def test_the_list_has_a_path_or_an_id_for_each_pick(here):
    made = toy_export.folder_of_images(here / "images", NAMES)
    ids = made.pick([3, 0, 3, 2])

    assert export("text", "ids.txt", ids=True).read_text() == "".join(f"{x}\n" for x in ids)
    assert export("text", "paths.txt").read_text().splitlines() == [
        f"{here}/images/{name}" for name in ids
    ]


def test_a_line_feed_within_a_line_is_refused(here):
    toy_export.arrays(["a\nb", *map(str, range(59))]).pick([1, 0])

    with pytest.raises(DataError, match=r"^'a\\nb': has a line feed, .*--null$"):
        export("text", "list.txt")
    assert not Path("list.txt").exists()


def test_where_there_are_no_files_ids_stand_in_for_paths(here, capsys):
    toy_export.arrays().pick([2, 0, 2])

    assert export("text", "list.txt").read_text() == "14\n0\n14\n"
    assert read_csv(export("csv", "subset.csv")).path.tolist() == ["", ""]
    assert "holds no files of samples; they are known by their ids alone" in capsys.readouterr().err


# --- which subset ---------------------------------------------------------------------------------


def test_any_subset_that_params_name_can_be_exported(here):
    made = toy_export.arrays()
    made.pick([1], "data/subsets/2/seed-0.csv")
    made.pick([2], "data/subsets/6/seed-0.csv")
    made.pick([3], "data/comparison/selected/seed-0.csv")

    lists = [export("text", f"{name}.txt", name).read_text() for name in (None, "2", "selected")]

    assert lists == ["14\n", "7\n", "21\n"]


def test_other_subsets_are_refused_though_their_files_lie_there(here):
    made = toy_export.arrays()
    made.pick([1], "data/subsets/3/seed-0.csv")

    with pytest.raises(ParamsError, match=r"--subset is '3'; params.yaml names 2, 6, selected, fu"):
        export("text", "list.txt", "3")
    with pytest.raises(ArtifactError, match=r"^data/subsets/6/seed-0.csv: missing"):
        export("text", "list.txt")


def test_data_that_was_prepared_of_another_data_set_is_refused(here):
    made = toy_export.arrays()
    made.content["dataset"]["name"] = "mnist"
    toy.write_params(Path(), made.content)

    with pytest.raises(ParamsError, match=r"dataset.name is mnist; data/prepared holds digits"):
        export("text", "list.txt")


@pytest.mark.parametrize("storage", ["memory", "files"])
def test_files_that_are_gone_are_named(here, storage):
    made = toy_export.folder_of_images(here / "images", NAMES, storage=storage)
    ids = made.pick([3, 0, 2])
    (here / "images" / ids[1]).unlink()

    with pytest.raises(DataError, match=rf"images: '{ids[1]}' is missing \(1 of 3 picks are\)"):
        export("text", "list.txt")


def test_a_whole_folder_that_is_gone_is_no_data_set_without_files(here):
    made = toy_export.folder_of_images(here / "images", NAMES, storage="files")
    made.pick([3, 0])
    (here / "images").rename(here / "moved")

    with pytest.raises(DataError, match=r"is missing \(2 of 2 picks are\)"):
        export("text", "list.txt")


def test_of_several_draws_it_says_which_it_took_and_how_to_take_another(here, capsys):
    made = toy_export.arrays()
    made.content |= {"random_seed": 4, "random_seeds": 3}
    toy.write_params(Path(), made.content)
    for seed in (4, 5):
        made.pick([seed], f"data/subsets/6/seed-{seed}.csv")

    for name, seed, others in (("first", None, "5, 6"), ("second", 5, "4, 6")):
        assert export("text", name, seed=seed).read_text() == f"{7 * (seed or 4)}\n"
        said = " ".join(capsys.readouterr().out.split())
        assert said.startswith(
            f"wrote '{name}': subset 6 of random seed {seed or 4}, 1 of 60 train "
        )
        assert said.endswith(f"--seed takes that of another random seed: {others}")


# --- the command ----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_no_form_takes_the_place_of_something(here, form):
    toy_export.arrays().pick([2, 0])
    Path("mine").mkdir()
    Path("link").symlink_to("nowhere")

    for name in ("mine", "link"):
        with pytest.raises(DataError, match=f"^{name}: is there already; name what is not there"):
            export(form, name)
    assert not list(Path("mine").iterdir())


def test_the_command_says_what_it_wrote_and_an_error_in_one_line(here):
    toy_export.arrays().pick([2, 0, 2])
    command = [sys.executable, "-m", "commands.export", "csv", "subset.csv", "--subset", "6"]
    environment = os.environ | {"PYTHONPATH": str(toy.ROOT)}

    done, again = (
        subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        for _ in range(2)
    )

    counted = "2 of 60 train samples in 3 picks"
    assert (done.returncode, done.stdout) == (
        0,
        f"wrote 'subset.csv': subset 6 of random seed 0, {counted}\n",
    )
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == "error: subset.csv: is there already; name what is not there yet\n"


@pytest.mark.parametrize("arguments", [[], *([form] for form in FORMS)])
def test_every_form_has_help(monkeypatch, capsys, arguments):
    monkeypatch.setattr("sys.argv", ["export", *arguments, "--help"])

    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 0
    assert "--subset" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_is_one_line(here):
    toy_export.arrays().pick([2, 0])
    Path("file").write_text("")

    with pytest.raises(DataError, match=r"^file: ") as caught:
        export("csv", "file/subset.csv")
    assert "\n" not in str(caught.value)
