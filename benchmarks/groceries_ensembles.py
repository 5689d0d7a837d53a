"""Compare what heads on embeddings find with what fine-tuned networks find, and what it is worth.

    OMP_NUM_THREADS=1 python -m benchmarks.groceries_ensembles --images grocery20 --weights my.pth
    python -m benchmarks.groceries_ensembles --show

From one random eighth an ensemble of 4 heads and one of 4 fine-tuned networks, both as
`presets/images_pretrained_cpu.yaml` trains them, score all other samples by mutual information, and
each takes the highest-scored to a quarter. The network is then fine-tuned on both quarters and on a
random one. A row of the CSV file is one random seed; one that is there is not run again.
"""

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from benchmarks import rows
from benchmarks.groceries import parser_of
from benchmarks.groceries_runs import HEAD, NETWORK, Target, Work
from benchmarks.groceries_shown import difference
from benchmarks.stages_here import stage
from commands.preset import presets
from stages.shared import artifacts
from stages.shared.artifacts import Floats, Ints

BEFORE, AFTER = "0.125", "0.25"
ENSEMBLES = {"heads": HEAD, "fine_tuned": NETWORK}
IMAGE_SIZE = 96
# How an ensemble is trained where the preset says it of targets.
TRAINING = (
    *("length", "batch_size", "batch_norm", "optimizer", "label_smoothing", "augmentation"),
    *("validations", "el2n_epoch"),
)
HEADER = (
    *("seed", "overlap", "overlap_by_chance", "spearman"),
    *("accuracy_heads", "accuracy_fine_tuned", "accuracy_random"),
    *("ensemble_heads", "ensemble_fine_tuned", "seconds_heads", "seconds_fine_tuned"),
    "seconds_target",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is missing, or show what there is."""
    parser = parser_of(__doc__, seeds=3, work=".groceries-ensembles")
    parsed = parser.parse_args(arguments)
    path = parsed.out / f"groceries-ensembles_{parsed.name}.csv"
    if not parsed.show:
        there = {row["seed"] for row in rows.load(path)}
        missing = [seed for seed in range(parsed.seeds) if str(seed) not in there]
        if missing:
            paths = (parsed.work.absolute(), parsed.images.absolute(), parsed.weights.absolute())
            work = Compared(*paths, IMAGE_SIZE)
            for seed in missing:
                found = work.compared(seed)
                rows.append(path, HEADER, [[found[name] for name in HEADER]])
                sys.stderr.write(f"{found}\n")
    sys.stdout.write(shown(rows.load(path)))


class Compared(Work):
    """Work in which two ensembles score from one subset."""

    def compared(self, seed: int) -> Mapping[str, object]:
        """Return what one random seed says, by `HEADER`; seconds are of the processor."""
        found: dict[str, Any] = {"seed": seed}
        scores, picks = {}, {}
        for kind in ENSEMBLES:
            start = time.process_time()
            scores[kind], picks[kind], found[f"ensemble_{kind}"] = self._chosen(seed, kind)
            found[f"seconds_{kind}"] = round(time.process_time() - start, 1)
        num = len(scores["heads"])
        first = artifacts.load_subset(Path(f"data/seed-{seed}/first/{BEFORE}/seed-{seed}.csv"), num)
        found |= agreement(scores, picks, first.index_P)
        for name in (*ENSEMBLES, "random"):
            start = time.process_time()
            found[f"accuracy_{name}"] = self._target(seed, name)
            found["seconds_target"] = round(time.process_time() - start, 1)
        return found

    def _chosen(self, seed: int, kind: str) -> tuple[Floats, Ints, str]:
        """Return all scores, the picks of the quarter, and the accuracy on validation."""
        self._write(Target("fine_tuned", 0.25, kind, seed), races=False, more=settings_of(kind))
        here, first = f"seed-{seed}/{kind}", f"seed-{seed}/first/{BEFORE}"
        stage("seed_subset", BEFORE, "prepared", first)
        data = ("prepared", "embeddings")
        weights = f"weights/{ENSEMBLES[kind]}.safetensors"
        outputs = (f"{here}/ensemble", f"{here}/history", f"{here}/dynamics")
        stage("train_ensemble", *data, first, weights, *outputs)
        signals, dynamics, scores = f"{here}/signals", f"{here}/dynamics", f"{here}/scores"
        stage("predict_pool", *data, f"{here}/ensemble", signals)
        stage("score", AFTER, "prepared", signals, dynamics, scores, f"{here}/correlations")
        stage(
            *("select", BEFORE, AFTER, "prepared", signals, dynamics, scores, first),
            *("near_duplicates/train", f"{here}/proposals", f"{here}/orders"),
        )
        stage(
            *("race", AFTER, *data, f"{here}/proposals", f"weights/{HEAD}.safetensors"),
            *(f"seed-{seed}/comparison/{kind}-0.25", f"{here}/races"),
        )
        num = artifacts.load_meta(Path("data/prepared")).num_samples["train"]
        draw = f"seed-{seed}"
        chosen = Path("data", draw, f"comparison/{kind}-0.25", f"{draw}.csv")
        score_N = artifacts.load_scores(Path("data", scores, f"{draw}.npy"), num)
        reached = artifacts.load_validation(Path("data", signals, draw)).ensemble_accuracy
        picks = artifacts.load_subset(chosen, num).index_P
        return np.array(score_N), picks, f"{100 * reached:.2f}"

    def _target(self, seed: int, subset: str) -> str:
        """Return the accuracy on test, in percent, of the network fine-tuned on a quarter."""
        target = Target("fine_tuned", 0.25, subset, seed)
        self._write(target, races=False, more=settings_of_targets())
        if subset == "random":
            self._save_random(seed)
        return f"{self.trained(target).accuracy:.2f}"

    def _save_random(self, seed: int) -> None:
        """Write a random quarter that begins with the eighth, as comparison_subsets draws it."""
        stage("seed_subset", AFTER, "prepared", f"seed-{seed}/comparison/random-0.25")


def settings_of_targets() -> list[str]:
    """Return the targets' training as the preset has it."""
    of = presets.resolved("images_pretrained_cpu")["train_subset_model"]
    return [f"train_subset_model.{name}={_flow(of[name])}" for name in TRAINING]


def settings_of(kind: str) -> list[str]:
    """Return how params.yaml trains and uses an ensemble, as changes of the preset."""
    preset_is = presets.resolved("images_pretrained_cpu")
    of = preset_is["train_ensemble" if kind == "heads" else "train_subset_model"]
    changes = [f"train_ensemble.{name}={_flow(of[name])}" for name in TRAINING]
    return [
        *changes,
        f"train_ensemble.model={ENSEMBLES[kind]}",
        f"seed_size={BEFORE}",
        f"rounds=[{{from: {BEFORE}, to: {AFTER}}}]",
        "compare.subsets=[selected, random, full]",
        "predict_pool.signals=[]",
    ]


def _flow(value: object) -> str:
    """Return a setting as YAML in one line."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_flow(item)}' for key, item in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_flow, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def agreement(
    score_by: Mapping[str, Floats], picks_by: Mapping[str, Ints], first: Ints
) -> dict[str, str]:
    """Return how alike two ensembles score and choose what is not in the first subset.

    The overlap is the share of the new picks of one that the other takes too; by chance it is the
    share of the candidates that each takes.
    """
    one, other = (np.setdiff1d(picks, first) for picks in picks_by.values())
    num = len(next(iter(score_by.values())))
    left = np.setdiff1d(np.arange(num), first)
    spearman = stats.spearmanr(*(score_N[left] for score_N in score_by.values())).statistic
    return {
        "overlap": f"{len(np.intersect1d(one, other)) / len(one):.4f}",
        "overlap_by_chance": f"{len(one) / len(left):.4f}",
        "spearman": f"{spearman:.4f}",
    }


def shown(found: Sequence[rows.Row]) -> str:
    """Return what all seeds say, in Markdown: means, and differences with 95 % t-intervals."""
    if not found:
        return "nothing was measured yet\n"
    mean = {name: np.mean([float(row[name]) for row in found]) for name in HEADER[1:]}
    by = {
        name: {row["seed"]: float(row[f"accuracy_{name}"]) for row in found}
        for name in ("heads", "fine_tuned", "random")
    }
    lines = [
        "| who chooses | its accuracy on validation | processor seconds "
        "| the network on its quarter, test | minus random |",
        "|---|---|---|---|---|",
        *(
            f"| {kind} | {mean[f'ensemble_{kind}']:.2f} | {mean[f'seconds_{kind}']:.1f} "
            f"| {mean[f'accuracy_{kind}']:.2f} | {difference(by[kind], by['random'])} |"
            for kind in ENSEMBLES
        ),
        f"| random | | | {mean['accuracy_random']:.2f} | |",
        "",
        f"{len(found)} random seeds. Heads minus fine-tuned networks: "
        f"{difference(by['heads'], by['fine_tuned'])}; overlap of their new picks "
        f"{100 * mean['overlap']:.1f} % ({100 * mean['overlap_by_chance']:.1f} by chance), "
        f"Spearman of their scores {mean['spearman']:.3f}; a target takes "
        f"{mean['seconds_target']:.1f} processor seconds.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
