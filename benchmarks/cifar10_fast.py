r"""A preset on a machine without DVC, such as one that is lent with a GPU: seconds, accuracies.

    SUBSET_WORKERS=4 python -m benchmarks.cifar10_fast --raw cifar10.tar.xz --wheels wheels \
        --set dataset.name=imagefolder dataset.root=data/raw/cifar10 dataset.image_size=32

Runs the commands of dvc.yaml, one after the other, in a folder of its own; the same command goes on
where a run was broken off. Prints the seconds of each stage, the accuracies and what they cost.

The machine needs the packages of pyproject.toml but for DVC. Wheels of what it lacks are fetched
elsewhere and carried along, as these 3 MB for Python 3.12:

    pip download --only-binary=:all: --python-version 3.12 --implementation cp \
        --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
        --dest wheels pydantic==2.14.3 ruamel.yaml==0.19.1

The data set is carried too: here an archive of cifar10/{train,test}/<class>/*. Without --raw and
--set torchvision downloads CIFAR-10; --raw may be the folder of its cifar-10-batches-py.
"""

import argparse
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import ZipFile

PRESET = Path("presets/cifar10_fast.yaml")


def main() -> None:
    """Run the preset and print what it took and what came out."""
    arguments = _parse()
    # As Ctrl-C does it: a stage that is under way ends too, and writes nothing beside the next run.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    work = arguments.work.absolute()
    if arguments.wheels:
        add_wheels(arguments.wheels, work / "wheels")
    # Not at the top: these need what the wheels bring.
    from benchmarks import clones, random_seeds, runner

    params = clones.changed(clones.settings(arguments.preset), arguments.set)
    runner.lay_out(work, params, arguments.raw)
    ran = runner.run(work)
    shown = random_seeds.read(work)
    seconds = {name: stage.seconds for name, stage in ran.items()}
    attempts = {name: stage.attempts for name, stage in ran.items()}
    found = runner.not_all_seconds(work, ran)
    print(seconds_table(seconds))
    for line in notes(attempts, found):
        print(line)
    print(random_seeds.table([shown]))
    print(
        "training FLOPs: " + ", ".join(f"{key} {cost:.3g}" for key, cost in shown["cost"].items())
    )
    if arguments.out:
        content = {**shown, "stages": seconds, "attempts": attempts, "not_all_seconds": found}
        arguments.out.write_text(json.dumps(content) + "\n")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cifar10_fast",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("preset", type=Path, nargs="?", default=PRESET)
    parser.add_argument("--set", nargs="*", default=[], help="other settings, as dvc's -S")
    parser.add_argument("--raw", type=Path, help="data/raw: a folder, or an archive of it")
    parser.add_argument("--wheels", type=Path, help="a folder of wheels of what is missing here")
    parser.add_argument("--work", type=Path, default=Path(".cifar10_fast"), help="to run in")
    parser.add_argument("--out", type=Path, help="write all that is printed as JSON")
    return parser.parse_args()


def add_wheels(wheels: Path, folder: Path) -> None:
    """Unpack the wheels into a folder that this process and those it starts import from first.

    Raises:
        SystemExit: there are none.
    """
    found = sorted(wheels.glob("*.whl"))
    if not found:
        raise SystemExit(f"{wheels}: holds no wheels; it must hold files named *.whl")
    for wheel in found:
        with ZipFile(wheel) as archive:  # what it brings lies as it is imported
            archive.extractall(folder)
    sys.path.insert(0, str(folder))
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(folder), os.environ.get("PYTHONPATH")])
    )


def seconds_table(seconds: dict[str, float]) -> str:
    """Return the seconds of each stage and of all as Markdown."""
    rows = {**seconds, "all": sum(seconds.values())}
    lines = [f"| {name} | {value:.1f} |" for name, value in rows.items()]
    return "\n".join(["| stage | seconds |", "|---|---|", *lines])


def notes(attempts: Mapping[str, int], found: Sequence[str]) -> list[str]:
    """Return what must be known of the seconds, a line each.

    Args:
        attempts: of each stage.
        found: the stages that found members finished which they had not trained.
    """
    several = [f"{name} ({number})" for name, number in attempts.items() if number > 1]
    lines = [f"seconds of several attempts: {', '.join(several)}"] if several else []
    if found:
        names = ", ".join(found)
        lines += [f"not all seconds: members were found finished, not trained, in {names}"]
    return lines


if __name__ == "__main__":
    main()
