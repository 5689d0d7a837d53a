"""The command `compare` on real revisions and experiments under git and DVC."""

import csv
import shutil
import sys

import pytest
from compared import OTHER_SCORES, PARAMS, ROOT, commit, write_project
from pipeline import Output

from commands.compare.__main__ import main

# c d e f and c e f g; a b c d e f and a b c e f g
EXPECTED_OVERLAP = [(1, 1, 1 / 8), (2, 1 / 2, 2 / 8), (4, 3 / 4, 4 / 8)]
EXPECTED = """\
## Selection: `one` → `{second}`

### Test results

Accuracy in points, mean over the members; ± is half of the change's 95 % interval (trainings and
test samples; of one draw of the subsets).

| model | trained on | before | after | change | ± (95 %) | paired by         | verdict     |
| ----- | ---------- | -----: | ----: | -----: | -------: | ----------------- | ----------- |
| net   | selected   |  70.00 | 60.00 | -10.00 |   233.28 | member and sample | cannot tell |

### Parameters that differ

| parameter  | before | after |
| ---------- | ------ | ----- |
| `scores.d` | `5`    | `1`   |
| `scores.e` | `4`    | `5`   |
| `scores.f` | `3`    | `4`   |
| `scores.g` | `2`    | `3`   |
| `scores.h` | `1`    | `2`   |

### Selected samples

1 pick added; 1 pick removed.
Jaccard index 0.7143, as multisets: a sample that is picked twice counts twice, in what was added
and removed too.

|                   | before | after | change |
| ----------------- | -----: | ----: | -----: |
| picks             |      6 |     6 |      0 |
| different samples |      6 |     6 |      0 |
| train split       |      8 |     8 |      0 |
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A project with the tags `one`, `other-tag` and, as the latter, the experiment `other-exp`.

    The workspace is as the second tag.
    """
    made = write_project(tmp_path_factory.mktemp("compared"))
    (made.folder / "params.yaml").write_text(PARAMS.format(OTHER_SCORES))
    made.dvc("exp", "run", "--name", "other-exp", PYTHONPATH=str(ROOT))
    commit(made, "other-tag", OTHER_SCORES)
    return made


@pytest.fixture
def compare(monkeypatch, capsys):
    """Return a function that runs the command in a project; a process of its own takes seconds."""

    def run(checkout, *arguments):
        monkeypatch.chdir(checkout.folder)
        for name, value in checkout.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["compare", *arguments])
        try:
            main()
        except SystemExit as end:
            return Output(capsys.readouterr().err, end.code)
        return Output(capsys.readouterr().out, 0)

    return run


def test_the_help_names_every_option(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["compare", "--help"])
    with pytest.raises(SystemExit):
        main()
    text = capsys.readouterr().out
    for option in ("--markdown", "--html", "--csv", "--picture", "--artifacts"):
        assert option in text


@pytest.mark.slow
@pytest.mark.parametrize("second", ["other-tag", "other-exp", "workspace"])
def test_revisions_and_experiments_are_read_from_the_cache(checkout, compare, second):
    output = compare(checkout, "one", *([second] if second != "workspace" else ["."]))

    assert output.code == 0, output.text
    assert "Not compared" not in output.text
    assert output.text.startswith(EXPECTED.format(second=second))
    assert "| 0.75     |       8 | scores    |      8 |   0.7619 |  0.7143 |" in output.text
    assert checkout.git("status", "--porcelain") == ""


@pytest.mark.slow
def test_all_that_is_asked_for_is_written(checkout, compare, tmp_path):
    names = ("markdown.md", "html.html", "csv.csv", "picture.png")
    files = [part for name in names for part in (f"--{name.partition('.')[0]}", tmp_path / name)]

    output = compare(checkout, "one", "other-tag", "workspace", *map(str, files))

    assert (output.code, output.text) == (0, "")
    assert (tmp_path / "markdown.md").read_text().count("## Selection: ") == 3
    page = (tmp_path / "html.html").read_text()
    assert page.count("data:image/webp") == 4  # g and d, of two pairs; the last two are equal
    rows = list(csv.DictReader((tmp_path / "csv.csv").read_text().splitlines()))
    columns = [(int(row["k"]), float(row["overlap"]), float(row["random"])) for row in rows]
    assert columns[:6] == EXPECTED_OVERLAP * 2
    assert [row[1] for row in columns[6:]] == [1, 1, 1]  # other-tag and the workspace
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_orders_of_all_candidates_are_read_where_params_says_that_they_are(
    checkout, compare, tmp_path
):
    copy = checkout.copy(tmp_path)
    params = copy.folder / "params.yaml"
    params.write_text(params.read_text() + "select: {order: all}\n")
    copy.git("commit", "--quiet", "--all", "--message", "all")
    copy.git("tag", "all")

    output = compare(copy, "all")

    assert "| 0.75     |       8 | order     |      6 |   1.0000 |  1.0000 |" in output.text


@pytest.mark.slow
def test_an_unknown_revision_is_one_line(checkout, compare):
    output = compare(checkout, "one", "onne")

    assert output.code == 1
    assert output.text.splitlines() == [
        "error: onne: unknown Git revision 'onne'; it must be a git revision, the name of an "
        "experiment, or workspace"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("lost", ["*", "*.dir"])
def test_data_that_is_not_in_the_cache_is_a_line_that_names_dvc_fetch(
    checkout, compare, tmp_path, lost
):
    copy = checkout.copy(tmp_path)
    for path in copy.folder.glob(f".dvc/cache/files/md5/*/{lost}"):
        path.unlink()
    shutil.rmtree(copy.folder / "data")

    output = compare(copy, "one", "other-tag")

    assert output.code == 0
    text = " ".join(output.text.split())
    for name in ("one", "other-tag"):
        where = "data/prepared/train/sample_ids.csv and 2 more: cannot be read ("
        assert text.count(f"- ``{name}:{where}") == 1
    assert text.count("`dvc fetch --all-commits`") == 2
    assert "| `scores.d` | `5`    | `1`   |" in output.text


@pytest.mark.slow
def test_a_broken_file_is_named_with_its_revision(checkout, compare, tmp_path):
    copy = checkout.copy(tmp_path)
    (copy.folder / "data/subsets/0.75/seed-0.csv").unlink()
    (copy.folder / "data/subsets/0.75/seed-0.csv").write_text("index,round,score\n8,0,\n")

    output = compare(copy, "one")

    assert output.code == 0
    assert "- `workspace:data/subsets/0.75/seed-0.csv: row 2 has index 8; " in output.text
    assert "### Test results" in output.text


@pytest.mark.slow
def test_the_artifact_that_differs_first_is_named_of_revisions_experiments_and_clones(
    checkout, compare, tmp_path
):
    clone = checkout.clone(tmp_path)
    because = "because of other inputs: params.yaml:scores"

    of_revisions = compare(checkout, "--artifacts", "one", "other-exp")
    of_clones = compare(checkout, "--artifacts", "workspace", str(clone.folder))

    assert of_revisions.text == (
        "first: all wrote another data/evaluation (first in it net-selected/seed-0/metrics.json), "
        f"{because}\n"
    )
    assert of_clones.text == f"equal: 1 stage of workspace and {clone.folder} wrote the same\n"


@pytest.mark.slow
def test_a_stage_that_writes_something_else_from_equal_inputs_is_named(checkout, compare, tmp_path):
    copy = checkout.copy(tmp_path)
    lines = [
        "",
        "with Path('data/orders/0.75/seed-0.npy').open('ab') as file:",
        "    file.write(b'!')",
    ]
    # The code is no dependency of the toy's stage, so its inputs stay equal.
    with (copy.folder / "make.py").open("a") as file:
        file.write("\n".join(lines))
    copy.dvc("repro", "--force", PYTHONPATH=str(ROOT))

    output = compare(copy, "--artifacts", str(checkout.folder), ".")

    assert output.text == (
        "first: all wrote another data/orders/0.75 (first in it seed-0.npy), "
        "although all its inputs are equal\n"
    )
