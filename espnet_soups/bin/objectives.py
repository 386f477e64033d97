"""Print what a run of a recipe learns, and what msp.sh needs to know about it, line by line."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from espnet_soups.bin.command import run_command
from espnet_soups.bin.run_parser import RunParser
from espnet_soups.objectives.own_kind import own_kinds

if TYPE_CHECKING:
    from espnet_soups.objectives.run import Run

# What can be asked for: its meaning, and the function that answers.
ANSWERS: "dict[str, tuple[str, Callable[[Run], Sequence[str]]]]" = {
    "check": ("nothing: what is not valid is refused, whatever is asked for", lambda run: []),
    "names": ("the objectives", lambda run: [objective.name for objective in run.objectives]),
    "tags": (
        "parts of names: of experiments, by options of kinds; of statistics, by labels",
        lambda run: [run.experiment_tag(), run.statistics_tag()],
    ),
    "languages": ("languages of utterances", lambda run: run.languages),
    "only": ("part of names of folders, by languages", lambda run: [run.only]),
    "subset": (
        "the same, if the training or the validation set has other languages, too",
        lambda run: [run.subset],
    ),
    "model": ("options of msp_train, vocabularies left out", lambda run: run.words()),
    "refinements": (
        "words of `--train_args` with further settings of objectives and frontend",
        lambda run: run.refinements(),
    ),
    "normalize": (
        "how stage 9 normalises features: the name of a class, if it does",
        lambda run: run.class_of("normalize"),
    ),
    "pretrain_normalize": (
        "the same for stage 7",
        lambda run: run.class_of("normalize", "pretrain_args"),
    ),
    "preencoder": ("the pre-encoder, if there is one", lambda run: run.class_of("preencoder")),
    "frontend": (
        "part of the name of statistics, by the settings of the frontend",
        lambda run: [run.frontend_tag()],
    ),
    "labels": (
        "files of labels: `FILE NAME TYPE`, the type is text or audio",
        lambda run: [f"{label.file} {label.name} {label.type}" for label in run.labels()],
    ),
    "score_files": (
        "further files of test sets, from which scores are computed",
        lambda run: run.score_files(),
    ),
    "settings": (
        "settings of objectives, on which vocabularies may depend",
        lambda run: run.settings(),
    ),
    "own_kinds": (
        "classes of your own that the training configuration names",
        lambda run: own_kinds(run.options),
    ),
    "vocabularies": (
        "files of vocabularies",
        lambda run: [str(item.folder / item.file) for item in run.vocabularies()],
    ),
    "vocabulary_args": (
        "options of msp_train that name vocabularies",
        lambda run: [word for item in run.vocabularies() for word in item.words],
    ),
}


def get_parser() -> RunParser:
    """Return the options."""
    parser = RunParser("objectives", __doc__)
    listed = "; ".join(f"{name}: {meaning}" for name, (meaning, _) in ANSWERS.items())
    parser.add_argument(
        "what",
        nargs="+",
        choices=list(ANSWERS),
        help=f"{listed}. If several are asked for, each line begins with the name.",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the answers; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    options, given = get_parser().parse(arguments)
    from espnet_soups.objectives.run import read_run

    run = read_run(given)
    for what in options.what:
        _, answer = ANSWERS[what]
        for line in answer(run):
            print(line if len(options.what) == 1 else f"{what} {line}")


if __name__ == "__main__":
    run_command(main)
