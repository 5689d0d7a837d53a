"""A toy project whose one stage writes what a finished run leaves, and two revisions of it.

Eight images of 4x4 pixels; which four of them the scores of params.yaml choose beside the seed
subset is all that differs.
"""

from pathlib import Path

from pipeline import ROOT, Checkout

PIPELINE = """
stages:
  all:
    cmd: python make.py
    params: [rounds, scores]
    outs: [data/evaluation, data/orders/0.75, data/prepared, data/scores/0.25,
           data/subsets/0.75]
    metrics:
    - metrics/summary.json: {cache: false}
plots:
- plots.csv: {x: k, y: k}
"""
# The order in which params.yaml names the samples is that of the train split; a and b are the seed.
MAKE = """
import json
from pathlib import Path
import numpy as np
from ruamel.yaml import YAML
from stages.shared import artifacts

scores = YAML(typ="safe").load(Path("params.yaml"))["scores"]
ids = list(scores)
order = sorted(set(ids) - {"a", "b"}, key=scores.get, reverse=True)
chosen = order[:4]
index_P = np.array([ids.index(name) for name in ["a", "b", *chosen]])
score_P = np.array([np.nan, np.nan, *(scores[name] for name in chosen)])
prepared = Path("data/prepared")
code_N = np.array([ord(name) for name in ids])
pixels_N = (code_N[:, None, None, None] - 90) * np.arange(1, 17).reshape(4, 4, 1) // 2
artifacts.save_array(prepared / "train/inputs.npy", pixels_N.astype(np.uint8))
artifacts.save_targets(prepared, "train", code_N % 2)
artifacts.save_sample_ids(prepared, "train", ids)
artifacts.save_sample_ids(prepared, "test", list("vwxyz"))
counts = {"train": len(ids), "validation": 0, "test": 5}
artifacts.save_meta(prepared, artifacts.Meta(
    "image_classification", "toy", ["even", "odd"], [4, 4, 1], [0.5], [0.2], counts, "0"))
score_N = np.array(list(scores.values()), dtype=float)
artifacts.save_scores(Path("data/scores/0.25/seed-0.npy"), score_N)
subset = artifacts.Subset(index_P, np.array([0, 0, 1, 1, 1, 1]), score_P)
artifacts.save_subset(Path("data/subsets/0.75/seed-0.csv"), subset)
order_K = np.array([ids.index(name) for name in order])
artifacts.save_order(Path("data/orders/0.75/seed-0.npy"), order_K)
right_MT = np.array([[True, True, True, False, "d" in chosen], [True, True, False, False, True]])
members = [{"member": m, "epoch": 1, "accuracy": float(right_MT[m].mean())} for m in (0, 1)]
mean = {"accuracy": float(right_MT.mean())}
evaluation = artifacts.Evaluation(members, mean, mean, {}, {"accuracy": right_MT})
artifacts.save_evaluation(Path("data/evaluation/net-selected/seed-0"), evaluation)
Path("metrics").mkdir(exist_ok=True)
Path("metrics/summary.json").write_text(json.dumps({"net": round(100 * mean["accuracy"], 2)}))
"""
PARAMS = (
    "rounds: [{{from: 0.25, to: 0.75}}]\ndataset: {{name: toy}}\nrandom_seed: 0\n"
    "compare: {{models: [net], subsets: [selected]}}\nscores: {{{}}}\n"
)
SCORES = "a: 8, b: 7, c: 6, d: 5, e: 4, f: 3, g: 2, h: 1"
# d fell to the end: rank differences 4 1 1 1 1, so Spearman is 1 - 6 20 / (8 63) = 0.7619.
OTHER_SCORES = "h: 2, g: 3, f: 4, e: 5, d: 1, c: 6, b: 7, a: 8"
RESULTS = "data/\n/comment.md\n/changes.html\n/dvc_plots/\n/metrics.md\n"


def write_project(folder: Path) -> Checkout:
    """Write the project and commit the results of its first run as the tag `one`."""
    made = Checkout(folder / "project", folder / "resume")
    made.folder.mkdir()
    made.resume.mkdir()
    made.git("init", "--quiet", "--initial-branch=main")
    made.git("config", "user.name", "Toy")  # for the commit that an experiment is
    made.git("config", "user.email", "toy@example.org")
    made.dvc("init", "--quiet")
    files = {"dvc.yaml": PIPELINE, "make.py": MAKE, "plots.csv": "k\n1\n", ".gitignore": RESULTS}
    for name, text in files.items():
        (made.folder / name).write_text(text)
    commit(made, "one", SCORES)
    return made


def commit(checkout: Checkout, name: str, scores: str) -> None:
    """Run the pipeline and tag its results."""
    (checkout.folder / "params.yaml").write_text(PARAMS.format(scores))
    checkout.dvc("repro", PYTHONPATH=str(ROOT))
    checkout.git("add", "--all")
    checkout.git("commit", "--quiet", "--message", name)
    checkout.git("tag", name)
