"""Measure a target model, or the kept checkpoints of an ensemble.

`python -m stages.evaluate PREPARED EMBEDDINGS MODEL EVALUATION [kept]`.
"""

from importlib import import_module
from pathlib import Path

from stages.shared import artifacts, models
from stages.shared.artifacts import Checkpoint, Ensemble, Evaluation, Meta
from stages.shared.artifacts.files import atomic_folder
from stages.shared.artifacts.shown_images import Shown, save_shown
from stages.shared.networks.determinism import deterministic
from stages.shared.running import command, engine, progress
from stages.shared.settings.params import load_params


def main(
    prepared: Path, embeddings: Path, model: Path, evaluation: Path, which: str = "one"
) -> None:
    """Predict validation and test with one checkpoint of each member; write what they are worth.

    `kept`: with every checkpoint of an ensemble, in place of its members.
    """
    params = load_params()
    training = params.train_ensemble if which == "kept" else params.train_subset_model
    measures = import_module(f"stages.evaluate.{params.rules.evaluation}")
    with atomic_folder(evaluation) as folder:
        for draw in progress.draws(params):
            ensemble = model / draw.draw
            described = artifacts.load_ensemble(ensemble)
            data = models.data_of(params.task, described.model, prepared, embeddings)
            checkpoints = (
                every_one(described)
                if which == "kept"
                else one_for_each_member(described, params.evaluate.weights)
            )
            with deterministic(training.deterministic, engine.device_name()):
                result: Evaluation = measures.evaluate(data, ensemble, checkpoints, params.evaluate)
            artifacts.save_evaluation(folder / draw.draw, result)
            if params.rules.inputs == "images":
                save_shown(folder / draw.draw, _shown(described.model, artifacts.load_meta(data)))


def _shown(model: str, meta: Meta) -> Shown | None:
    import torch

    from stages.shared.networks.preprocessing import shown_images

    with torch.random.fork_rng(devices=[]):
        network = models.build(model, meta.num_classes, meta.input_shape)
    return shown_images(model, network, meta)


def every_one(ensemble: Ensemble) -> list[Checkpoint]:
    """Return all checkpoints, by member and epoch."""
    return sorted(ensemble.checkpoints, key=lambda entry: (entry.member, entry.epoch))


def one_for_each_member(ensemble: Ensemble, weights: str) -> list[Checkpoint]:
    """Return each member's last checkpoint, or its best on validation, by member."""
    return [
        _chosen(ensemble.of_member(member), weights)
        for member in sorted({checkpoint.member for checkpoint in ensemble.checkpoints})
    ]


def _chosen(checkpoints: list[Checkpoint], weights: str) -> Checkpoint:
    if weights == "last":
        return checkpoints[-1]
    return next(checkpoint for checkpoint in checkpoints if checkpoint.is_best)


if __name__ == "__main__":
    command.run(main)
