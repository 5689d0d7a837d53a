"""Several draws in one run: each is what a run of its own random seed alone would be."""

import dag
import in_process
import numpy as np
import pytest
import toy

from stages.shared import artifacts

MODEL = "linear"  # the quickest: what draws share and what they do not, no model decides


def run(project, resume, signals=("gradient_norm",), model=MODEL, **changes):
    """Run the tiny pipeline with these random seeds; return its files below data/, by path."""
    content = toy.default_params()
    content |= {"rounds": [{"from": 0.0625, "to": 0.125}], **changes}
    for section in ("train_ensemble", "train_subset_model"):
        content[section] |= {"members": 2, "length": {"updates": 4}, "validations": 2}
    content["train_ensemble"]["model"], content["compare"]["models"] = model, [model]
    content["predict_pool"]["signals"] = list(signals)
    project.mkdir()
    toy.write_pipeline(project, content)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        in_process.patch(patch)
        in_process.patch_drawing(patch)
        patch.setattr("stages.report.__main__.save_page", lambda page, *_: page.touch())
        patch.setenv("SUBSET_RESUME", str(resume))
        dag.run(project)
    return {
        str(path.relative_to(project)): path.read_bytes()
        for path in sorted((project / "data").rglob("*"))
        if path.is_file()
    }


@pytest.mark.slow
def test_draws_may_share_what_k_centers_starts_from_and_ensembles_be_measured(tmp_path):
    """Fig. 10 and Fig. 4 to 6 of Coleman et al. 2020, at tiny size."""
    settings = toy.default_params()
    files = run(
        tmp_path / "shared",
        tmp_path / "resume",
        random_seeds=2,
        seed_size=1.0,
        rounds=[{"from": 1.0, "to": 0.5}],
        acquisition="entropy",
        select=settings["select"] | {"rule": "k_centers", "order": "all", "k_centers_start": 100},
        seed_subset=settings["seed_subset"] | {"random_seed": 7},
        evaluate=settings["evaluate"] | {"ensembles": [1.0]},
        signals=["features"],
        model="resnet8",  # those of a linear one are the pixels, of any draw
    )
    data = tmp_path / "shared/data"
    num_train = artifacts.load_meta(data / "prepared").num_samples["train"]
    orders = [
        artifacts.load_order(data / f"orders/0.5/seed-{seed}.npy", num_train) for seed in (0, 1)
    ]
    assert (orders[0][:100] == orders[1][:100]).all()
    assert (orders[0][100:] != orders[1][100:]).any()
    first, second = (
        content
        for path, content in files.items()
        if path.startswith("data/ensembles/1.0/seed-")
        and path.endswith("member-00/epoch-0001.safetensors")
    )
    assert first != second
    header = ["ensemble", "random_seed", "member", "epoch", "test", "validation"]
    rows = artifacts.load_table(tmp_path / "shared/plots/tables/ensembles.csv", header)
    assert {(row[0], row[1], row[2]) for row in rows} == {
        ("1.0", seed, member) for seed in "01" for member in "01"
    }


def members_of(resume):
    return {path.name: path.stat().st_mtime_ns for path in (resume / "members").iterdir()}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two draws from random seed 4 on, and the second of them alone in another resume folder."""
    folder = tmp_path_factory.mktemp("draws")
    both = run(folder / "both", folder / "resume", random_seed=4, random_seeds=2)
    alone = run(folder / "alone", folder / "other", random_seed=5, random_seeds=1)
    return folder, both, alone


def of_draw(files, name):
    return {path: content for path, content in files.items() if f"/{name}" in path}


def test_each_draw_has_the_bytes_of_a_run_of_its_own(runs):
    _, both, alone = runs
    found = of_draw(both, "seed-5")
    assert found.keys() == of_draw(alone, "seed-5").keys()
    assert [path for path in found if found[path] != alone[path]] == []
    for kind in ("safetensors", "npy", "csv", "json"):
        assert any(path.endswith(kind) for path in found)
    assert both.keys() - of_draw(both, "seed-4").keys() == alone.keys()


def test_draws_differ(runs):
    _, both, _ = runs
    for path in ("subsets/0.125", "comparison/random", f"histories/{MODEL}-full"):
        assert both[f"data/{path}/seed-4.csv"] != both[f"data/{path}/seed-5.csv"]


def test_members_have_the_names_of_a_run_of_their_own(runs):
    folder, _, _ = runs
    both, alone = (members_of(folder / name) for name in ("resume", "other"))
    assert len(both) == 2 * len(alone) == 2 * (2 + 3 * 2)
    assert alone.keys() < both.keys()


def test_one_more_draw_trains_that_draw_alone(runs):
    folder, _, alone = runs
    before = members_of(folder / "other")
    two = run(folder / "two", folder / "other", random_seed=5, random_seeds=2)
    after = members_of(folder / "other")
    assert before.items() <= after.items()
    assert len(after) == 2 * (2 + 3 * 2)
    assert all(two[path] == content for path, content in alone.items())


def test_the_report_says_how_alike_the_draws_subsets_are(runs):
    folder, _, _ = runs
    data = folder / "both/data"
    num_train = artifacts.load_meta(data / "prepared").num_samples["train"]
    first, second = (
        set(artifacts.load_subset(data / f"subsets/0.125/{name}.csv", num_train).index_P.tolist())
        for name in ("seed-4", "seed-5")
    )
    shared = 100 * len(first & second) / len(first)
    row = (folder / "both/plots/tables/overlap.csv").read_text().splitlines()[2].split(",")
    assert row[:2] == ["0.125", "2"]
    assert np.array(row[2:], float) == pytest.approx(
        [shared, 100 * len(first) / num_train], abs=0.005
    )
    [row, *_] = (folder / "both/plots/tables/differences.csv").read_text().splitlines()[1:]
    assert row.endswith(",2")  # draws
    assert not (folder / "alone/plots/tables/overlap.csv").exists()
