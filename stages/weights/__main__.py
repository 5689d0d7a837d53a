"""Write the weights that networks start from."""

from pathlib import Path

from stages.shared import artifacts
from stages.shared.artifacts.files import atomic_folder
from stages.shared.artifacts.no_weights import NO_WEIGHTS
from stages.shared.running import command
from stages.shared.settings.params import load_params


def main(prepared: Path, weights: Path) -> None:
    """Write a file for each model that is trained; one without tensors means random weights."""
    params, meta = load_params(), artifacts.load_meta(prepared)
    with atomic_folder(weights) as folder:
        for model in params.trained_models:
            path, source = folder / f"{model}.safetensors", params.weights.get(model, "random")
            if source == "random":
                path.write_bytes(NO_WEIGHTS)
            else:
                from stages.weights import weight_files  # here, because it needs torch

                weight_files.write(path, model, source, meta)


if __name__ == "__main__":
    command.run(main)
