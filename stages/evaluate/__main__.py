"""Measure a target model: `python -m stages.evaluate PREPARED MODEL EVALUATION`."""

from pathlib import Path

from stages.evaluate import metrics
from stages.evaluate.metrics import Outcomes
from stages.shared import artifacts, command, prediction, tasks
from stages.shared.artifacts import Checkpoint, Ensemble, Split
from stages.shared.files import atomic_folder
from stages.shared.loading import load_images
from stages.shared.params import load_params
from stages.shared.params_sections import Evaluate

PRECISION = "fp32"  # whatever they were trained in


def main(prepared: Path, model: Path, evaluation: Path) -> None:
    """Predict validation and test with one checkpoint of each member; write what they are worth."""
    params = load_params().evaluate
    meta = artifacts.load_meta(prepared)
    checkpoints = one_for_each_member(artifacts.load_ensemble(model), params.weights)
    result = metrics.evaluate(
        checkpoints,
        validation=_predict(prepared, "validation", model, checkpoints, params),
        test=_predict(prepared, "test", model, checkpoints, params),
        class_names=meta.class_names,
    )
    with atomic_folder(evaluation) as folder:
        artifacts.save_evaluation(folder, result)


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


def _predict(
    prepared: Path, split: Split, model: Path, checkpoints: list[Checkpoint], params: Evaluate
) -> Outcomes:
    meta = artifacts.load_meta(prepared)
    batches = prediction.forward_passes(
        model,
        checkpoints,
        load_images(prepared, split),
        meta,
        params.batch_size,
        PRECISION,
    )
    predicted = prediction.predict(tasks.load(meta.task), batches, params.views)
    targets_T = artifacts.load_targets(prepared, split)
    return metrics.collect(
        ((rows, probs_MBC.cpu().numpy()) for rows, probs_MBC in predicted),
        targets_T,
        len(checkpoints),
    )


if __name__ == "__main__":
    command.run(main)
