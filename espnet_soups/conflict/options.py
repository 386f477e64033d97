"""Options of the measurement of conflict."""

import argparse

START, LAST = "start", "last"
SHARE = 4  # by default, batches are this many times smaller than those of training


def add_conflict_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the measurement.

    Args:
        parser: The parser to add them to.
    """
    group = parser.add_argument_group("Conflict")
    group.add_argument(
        "--exp_dir",
        help="Folder of a training, whose configuration is used",
    )
    group.add_argument(
        "--conflict_models",
        nargs="+",
        default=[START],
        metavar="MODEL",
        help="What to measure, in this order: start (the model that training starts from), the"
        " number of an epoch, last (the last epoch), or a model file (start)",
    )
    group.add_argument("--conflict_batches", type=int, default=16, help="Batches (16)")
    group.add_argument(
        "--conflict_batch_bins",
        type=int,
        default=0,
        help=f"Size of these batches as batch_bins has it; 0: batch_bins divided by {SHARE}",
    )
    group.add_argument(
        "--conflict_step",
        type=float,
        default=0.001,
        help="Step that affinities are measured by, as a share of the norm of the shared parameters"
        " (0.001); 0: no affinities",
    )
    group.add_argument(
        "--conflict_confidence", type=float, default=0.95, help="Level of the intervals (0.95)"
    )
