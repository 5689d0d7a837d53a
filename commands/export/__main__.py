"""Take a subset elsewhere: `python -m commands.export FORM OUTPUT`; see `--help`.

It is a command for people and no stage.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from commands import console
from commands.export import coco_file, fiftyone, folders, huggingface, lists, yolo_folder
from commands.export.chosen import Chosen, load_chosen
from commands.export.output import refuse_existing
from stages.shared.errors import DataError
from stages.shared.running.command import errors_in_one_line

Options = Mapping[str, Mapping[str, Any]]  # by name, what argparse wants to know


@dataclass(frozen=True)
class Form:
    """What a subset can become."""

    write: Callable[..., None]  # takes the subset, the output and the options by their names
    help: str
    options: Options = field(default_factory=dict)


REPEAT: Options = {
    "--repeat": {"action": "store_true", "help": "a sample as often as it was picked"}
}
FORMS = {
    "csv": Form(
        lists.write_csv,
        "a row for each sample: sample_id, path, label, picks, round, score, index",
        {
            "--formulas": {
                "choices": ["refuse", "escape", "keep"],
                "default": "refuse",
                "help": "words that a spreadsheet would run: stop, put an apostrophe before them, "
                "or keep them (default: %(default)s)",
            }
        },
    ),
    "text": Form(
        lists.write_text,
        "a path for each pick, in the order of picking",
        {
            "--ids": {"action": "store_true", "help": "sample ids, paths below dataset.root"},
            "--null": {"action": "store_true", "help": "a NUL after each, not a line feed"},
        },
    ),
    "list": Form(lists.write_list, "ids of samples, a subset to start from (seed_subset.file)"),
    "symlinks": Form(folders.write_symlinks, "links in the form of ImageFolder", REPEAT),
    "copy": Form(folders.write_copies, "images in the form of ImageFolder", REPEAT),
    "huggingface": Form(huggingface.write, "rows of a data set of Hugging Face, JSON"),
    "fiftyone": Form(fiftyone.write, "a folder that FiftyOne imports"),
    "coco": Form(coco_file.write, "COCO's JSON of images with boxes", REPEAT),
    "yolo": Form(
        yolo_folder.write,
        "data.yaml with lists of images, or folders of classes, for Ultralytics",
        REPEAT,
    ),
}


def run(
    form: str, output: Path, subset: str | None, seed: int | None = None, **options: Any
) -> None:
    """Write a subset in a form, and say which it was.

    Raises:
        UserError: it cannot be; nothing is left behind.
    """
    refuse_existing(output)
    try:
        chosen = load_chosen(subset, seed)
        FORMS[form].write(chosen, output, **options)
    except OSError as error:
        raise DataError(f"{error.filename or output}: {error.strerror or error}") from error
    console.say(f"wrote {str(output)!r}: {_described(chosen, seed)}")


def _described(chosen: Chosen, seed: int | None) -> str:
    """Return which subset of which draw it is, its size, and how another draw is named."""
    num, num_train = len(chosen.samples), chosen.meta.num_samples["train"]
    picks = f" in {len(chosen.subset):,} picks" if len(chosen.subset) != num else ""
    counted = f"{num:,} of {num_train:,} train samples{picks}"
    seeds = [draw.random_seed for draw in chosen.params.draws]
    taken = seeds[0] if seed is None else seed
    if chosen.name == "full":
        return f"subset {chosen.name}, {counted}"
    others = ", ".join(str(other) for other in seeds if other != taken)
    instead = f"; --seed takes that of another random seed: {others}" if others else ""
    return f"subset {chosen.name} of random seed {taken}, {counted}{instead}"


def main() -> None:
    """Run the command line; an error of the user's ends it with code 1 and one line."""
    parser = console.parser(
        "export",
        "Write a subset as a list, as a folder of images, or as another library reads it. "
        "`python -m commands.export FORM --help` shows the options of a form, such as --subset.",
        "csv subset.csv",
    )
    forms = parser.add_subparsers(dest="form", required=True, metavar="FORM")
    for name, form in FORMS.items():
        about = f"Write {form.help}.\n\nexample:\n  {parser.prog} {name} /my/subset"
        command = forms.add_parser(name, help=form.help, description=about, **console.HELP)
        command.add_argument("output", type=Path, metavar="OUTPUT", help="what must not be there")
        command.add_argument(
            "--subset",
            metavar="NAME",
            help="a size or a compared subset of params.yaml (default: the last round's)",
        )
        command.add_argument(
            "--seed",
            type=int,
            metavar="N",
            help="the draw of this random seed (default: the first of params.yaml)",
        )
        for option, described in form.options.items():
            command.add_argument(option, **described)
    with errors_in_one_line():
        run(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
