"""The stage: proposals in, the winner's out, and how it was judged."""

import csv
from pathlib import Path

import in_process
import numpy as np
import pytest
import toy

from stages.race import judging
from stages.race.__main__ import main
from stages.shared import artifacts
from stages.shared.artifacts.races import load_race
from stages.shared.errors import ArtifactError
from stages.shared.running import timings
from stages.shared.settings.params import load_params

PROPOSALS, SUBSETS, RACES = Path("proposals"), Path("subsets"), Path("races")
WEIGHTS = Path("judge.safetensors")
SHORT = {"length": {"updates": 2}}  # where no judge need learn
NUM_PICKS = 18
# Of three classes, in turn: some of each, or of one alone.
EVEN, ONE_CLASS = list(range(NUM_PICKS)), list(range(0, 3 * NUM_PICKS, 3))
RANDOM = [list(range(first, first + NUM_PICKS)) for first in (3, 12, 24, 36)]


class Racing:
    """The stage on toy images, with two judges and two random subsets for each."""

    def __init__(self, prepared, folder):
        self.prepared, self.folder = prepared, folder
        self.content = toy.default_params()
        self.content["rounds"] = [{"from": 0.0625, "to": 0.3}]
        self.content["random_seeds"] = 2
        self.content["race"] |= {"judges": 2, "entrants": {"even": {}, "one_class": {}}}
        self.content["train_subset_model"] |= {"length": {"updates": 18}, "batch_size": 9}

    def propose(self, **proposals):
        """Write these proposals of each draw, the random subsets beside them."""
        random = {f"random-{place}": rows for place, rows in enumerate(RANDOM)}
        for draw in ("seed-0", "seed-1"):
            for name, rows in {**proposals, **random}.items():
                artifacts.save_subset(PROPOSALS / draw / f"{name}.csv", toy.picks(rows))

    def run(self):
        """Run the stage and return the result of each draw."""
        toy.write_params(Path(), self.content)
        WEIGHTS.touch()  # random ones
        main("0.3", self.prepared, Path("none"), PROPOSALS, WEIGHTS, SUBSETS, RACES)
        return [load_race(RACES, draw.draw) for draw in load_params().draws]

    def judged(self, draw="seed-0"):
        """Return the rows that say what each judge reached."""
        return list(csv.DictReader((RACES / f"{draw}.csv").read_text().splitlines()))

    def members(self):
        """Return the finished trainings."""
        return {path.name: path.stat().st_mtime_ns for path in Path(".resume/members").iterdir()}


@pytest.fixture
def racing(prepared, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SUBSET_RESUME", raising=False)
    monkeypatch.setattr(timings, "_noted", timings._Noted())
    in_process.patch(monkeypatch)
    return Racing(prepared, tmp_path)


def written():
    return {
        str(path): path.read_bytes() for folder in (SUBSETS, RACES) for path in folder.iterdir()
    }


def test_without_entrants_the_only_proposal_is_taken_as_it_is(racing):
    racing.content["race"]["entrants"] = {}
    for draw, rows in (("seed-0", EVEN), ("seed-1", ONE_CLASS)):
        artifacts.save_subset(PROPOSALS / draw / "top.csv", toy.picks(rows))
    results = racing.run()
    for draw in ("seed-0", "seed-1"):
        taken, proposed = SUBSETS / f"{draw}.csv", PROPOSALS / draw / "top.csv"
        assert taken.read_bytes() == proposed.read_bytes()
    assert [(one.winner, one.runners, one.trainings) for one in results] == [("top", {}, 0)] * 2
    assert not Path(".resume").exists()


def test_a_race_is_decided_kept_and_goes_on_where_it_was_killed(racing, monkeypatch, capsys):
    racing.propose(even=EVEN, one_class=ONE_CLASS)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(judging.DrawnRace, "add", killed)
        with pytest.raises(KeyboardInterrupt):
            racing.run()
    assert not SUBSETS.exists()
    before = racing.members()
    assert len(before) == 2 * 4  # of each draw the first judge's
    parts, train = [], judging.members.train_jobs
    with monkeypatch.context() as patch:
        patch.setattr(
            judging.members, "train_jobs", lambda *given: (parts.append(given[1]), train(*given))[1]
        )
        results = racing.run()
    assert parts == ["judge 1/2", "judge 2/2"]  # each has a line that begins at 0 %
    assert before.items() <= racing.members().items()
    assert len(racing.members()) == sum(one.trainings for one in results)

    for draw, result in zip(("seed-0", "seed-1"), results, strict=True):
        assert result.winner != "one_class"
        proposed = PROPOSALS / draw / f"{result.winner}.csv"
        assert (SUBSETS / f"{draw}.csv").read_bytes() == proposed.read_bytes()
        rows = racing.judged(draw)
        assert len(rows) == result.trainings <= result.most_trainings == 8
        scores = {
            name: np.mean([float(row["score"]) for row in rows if row["proposal"] == name])
            for name in ("even", "one_class")
        }
        of_random = np.mean(
            [float(row["score"]) for row in rows if row["proposal"].startswith("random-")]
        )
        assert result.random_score == pytest.approx(of_random)
        if result.runners["even"].judges == 2:
            assert result.runners["even"].gain == pytest.approx(scores["even"] - of_random)
        assert scores["one_class"] < scores["even"]
        assert result.num_samples == toy.NUM_SAMPLES["validation"]
        assert result.flops > 0
    assert "race to 0.3: of 2 draws won" in capsys.readouterr().out

    first, content = racing.members(), written()
    assert racing.run() == results  # all are found finished
    assert (racing.members(), written()) == (first, content)


def test_equal_proposals_are_judged_alike_and_random_wins(racing):
    """Judge j has the same streams for all proposals, so that equal ones are one training."""
    racing.content |= {"random_seeds": 1}
    racing.content["race"]["entrants"] = {"one_class": {}, "again": {}}
    racing.propose(one_class=ONE_CLASS, again=ONE_CLASS)
    [result] = racing.run()
    scores = {}
    for row in racing.judged():
        scores.setdefault(row["proposal"], []).append(float(row["score"]))
    assert scores["one_class"] == scores["again"]
    assert len(racing.members()) == result.trainings - len(scores["again"])
    best = max(scores, key=lambda name: scores[name] if name.startswith("random-") else [0])
    assert result.winner == best
    taken = artifacts.load_subset(SUBSETS / "seed-0.csv", 60).index_P.tolist()
    assert taken == RANDOM[int(best.partition("-")[2])]
    assert result.winner_gain == pytest.approx(scores[best][0] - result.random_score)


def test_what_is_held_out_judges_too_and_the_winner_is_chosen_from_all(racing):
    racing.content |= {"random_seeds": 1}
    racing.content["race"] |= {"entrants": {"even": {}}, "holdout": 0.1, "margin": 100.0, **SHORT}
    racing.propose(even=EVEN)
    rows = np.array([54, 55, 56, 57, 58, 59])
    artifacts.save_order(PROPOSALS / "seed-0/held_out.npy", rows)
    # Judged by what the first random subset has too, which is one training.
    artifacts.save_subset(PROPOSALS / "seed-0/judged/even.csv", toy.picks(RANDOM[0]))
    [result] = racing.run()
    assert result.num_samples == toy.NUM_SAMPLES["validation"] + 6
    assert len(racing.members()) == result.trainings - 1
    taken = (SUBSETS / "seed-0.csv").read_bytes()
    assert taken == (PROPOSALS / f"seed-0/{result.winner}.csv").read_bytes()


def test_classes_of_which_the_winner_has_nothing_are_warned_of(racing, capsys):
    """Whoever wins: the entrant and the best random subset of each draw are of one class."""
    racing.content["race"] |= {"judges": 1, "entrants": {"one_class": {}}, **SHORT}
    racing.propose(one_class=ONE_CLASS)
    for draw in ("seed-0", "seed-1"):
        for place in range(2):
            artifacts.save_subset(PROPOSALS / draw / f"random-{place}.csv", toy.picks(ONE_CLASS))
    racing.run()
    names = "right, below"
    expected = f"2 of 3 classes have no sample in 2 of 2 draws of the subset: {names}\n"
    assert capsys.readouterr().err.endswith(f"warning: {expected}")


def test_one_sample_cannot_judge(racing, monkeypatch):
    racing.content |= {"random_seeds": 1}
    racing.content["race"] |= SHORT
    racing.propose(even=EVEN, one_class=ONE_CLASS)
    monkeypatch.setattr(judging, "LEAST_SAMPLES", 21)
    with pytest.raises(ArtifactError, match="20 sample or group judges a race; there must be 21 "):
        racing.run()
    assert not SUBSETS.exists()
