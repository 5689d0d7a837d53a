"""The weights that a training begins with, and which of them it changes."""

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from stages.shared import models
from stages.shared.artifacts.weights import load_weights
from stages.shared.networks.layers import LAST_LAYER
from stages.shared.samples.randomness import stream_seed
from stages.shared.settings.training_sections import Training
from stages.shared.training import first_layer
from stages.shared.training.job import Job


def initial_model(job: Job) -> nn.Module:
    """Return the model with its first weights, the same for every subset (paired trainings)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(job.random_seed, "initial weights", job.member))
        model: nn.Module = models.build(job.model, job.meta.num_classes, job.meta.input_shape)
    if job.settings.first_layer == "whitened":
        layer = first_layer.first_convolution(model, job)
        if job.initial_weights is None:
            first_layer.whiten(layer, job)
        layer.weight.requires_grad_(False)
    if job.initial_weights is not None:
        load_weights(job.initial_weights, model, may_lack=LAST_LAYER)
    if job.settings.train == "head":
        model.get_submodule("features").requires_grad_(False)
    if job.parallel.sync_batch_norm:
        convert = nn.SyncBatchNorm.convert_sync_batchnorm
        model = convert(model)  # type: ignore[no-untyped-call]  # torch does not say its types
    return model.to(memory_format=torch.channels_last)


def begin_epoch(model: nn.Module, settings: Training) -> None:
    """Set a model to be trained; of frozen features the statistics of batches stay what they are.

    They then drop nothing either. Of frozen batch normalisations the statistics alone stay: scale
    and shift are trained.
    """
    model.train()
    if settings.train == "head":
        model.get_submodule("features").eval()
    if settings.batch_norm == "frozen":
        for part in model.modules():
            if isinstance(part, _BatchNorm):
                part.eval()
