"""An ensemble of one member whose weights are those that it was given (SVP, Fig. 8)."""

from pathlib import Path

import torch

from stages.shared import artifacts, models
from stages.shared.artifacts import Checkpoint, Ensemble, Meta
from stages.shared.artifacts.files import atomic_folder
from stages.shared.artifacts.weights import load_tensors, load_weights, save_weights
from stages.shared.errors import ParamsError


def write(model: str, weights: Path, meta: Meta, ensemble: Path) -> None:
    """Write the ensemble: member 0 after 0 epochs, both its last and its best checkpoint.

    Raises:
        ParamsError: the last layer of the weights is for other classes.
    """
    with torch.random.fork_rng(devices=[]):
        network = models.build(model, meta.num_classes, meta.input_shape)
    missing = [name for name in network.state_dict() if name not in load_tensors(weights)]
    if missing:
        raise ParamsError(
            f"params.yaml: train_ensemble.train is none; weights.{model} has no {missing[0]} for "
            f"these {meta.num_classes} classes, so train must be head or all"
        )
    load_weights(weights, network)
    checkpoint = Checkpoint(member=0, epoch=0, validation_accuracy=None, is_best=True, is_last=True)
    with atomic_folder(ensemble) as temporary:
        (temporary / checkpoint.path).parent.mkdir()
        save_weights(temporary / checkpoint.path, network)
        artifacts.save_ensemble(
            temporary, Ensemble(model, meta.num_classes, meta.input_shape, [checkpoint])
        )
