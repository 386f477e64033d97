"""Build the mini-batches of a set from the options."""

import argparse
import logging

from espnet2.tasks.abs_task import IteratorOptions

from espnet_soups.task.balance.check_balance import batch_type_of
from espnet_soups.task.interpret import languages_of, optional_languages_of
from espnet_soups.task.language_data import read_language_data
from espnet_soups.task.union_sampler import UnionBatchSampler, one_language_batches


def build_batches(
    args: argparse.Namespace, options: IteratorOptions, mode: str, rank: int, world_size: int
) -> UnionBatchSampler | list[list[str]]:
    """Build batches that hold every language (training) or one language each (validation).

    Args:
        args: The options of the run.
        options: ESPnet's options of this set.
        mode: `train`, or the name of another set.
        rank: Number of this process.
        world_size: Number of processes.

    Returns:
        The sampler of training, or the utterance ids of each mini-batch of another set.

    Raises:
        ValueError: If the data name no `utt2lang`, or no shape file, or a language or a corpus is
            missing from them.
    """
    paths = {name: path for path, name, _ in options.data_path_and_name_and_type}
    if "lang" not in paths or not options.shape_files:
        raise ValueError(
            f"The {mode} data need `<utt2lang file>,lang,text` and a shape file for speech,"
            f" but there are {sorted(paths)} and {list(options.shape_files)}."
        )
    train = mode == "train"
    data = read_language_data(
        options.shape_files[0],
        paths["lang"],
        languages_of(args),
        () if train else optional_languages_of(args),
        args.dataset_weights if train else None,
    )
    batch_type = batch_type_of(args, options.batch_type)
    size = getattr(options, batch_type.limit)
    if train:
        batches: UnionBatchSampler | list[list[str]] = UnionBatchSampler(
            *(data, size, args.sampling_alpha, rank, world_size),
            batch_type=batch_type,
            shares=args.language_shares,
            dataset_weights=args.dataset_weights,
        )
    else:
        all_ranks = one_language_batches(data, size, world_size, batch_type)
        batches = [batch[rank::world_size] for batch in all_ranks]
    logging.info(f"[{mode}] {len(batches)} mini-batches: {batches}"[:200])
    return batches
