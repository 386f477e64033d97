"""Fuzzes every reader of the package: `python test/fuzz/fuzz.py --inputs 100000`."""

import argparse
import logging
import os
import sys
import tempfile
import time
from pathlib import Path

from fuzz_law import fuzz
from fuzz_readers import PARSERS

MEMORY = Path("/dev/shm")  # on a disk each file that is written anew takes some milliseconds


def main() -> None:
    """Fuzz, print a line for each parser, and end with status 1 if one has broken the law."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--inputs", type=int, default=100_000, help="For each parser (100000)")
    options.add_argument("--seed", type=int, default=0, help="Of the damage (0)")
    options.add_argument("--parsers", nargs="*", default=sorted(PARSERS), help="(all)")
    options.add_argument("--minutes", type=float, help="Stop a parser early, to share this time")
    given = options.parse_args()
    logging.disable(logging.CRITICAL)
    place = MEMORY if os.access(MEMORY, os.W_OK) else None
    broken = total = 0
    share = None if given.minutes is None else 60 * given.minutes / len(given.parsers)
    for name in given.parsers:
        begin, inputs, accepted, kinds = time.monotonic(), 0, 0, {}
        while inputs < given.inputs and (share is None or time.monotonic() - begin < share):
            with tempfile.TemporaryDirectory(dir=place) as folder:
                block = min(1000, given.inputs - inputs)
                found = fuzz(PARSERS[name], Path(folder), block, given.seed + inputs)
            inputs, accepted = inputs + found.inputs, accepted + found.accepted
            for what, (number, said, first) in found.broken.items():
                kinds.setdefault(what, [0, said, first])[0] += number
        seconds = time.monotonic() - begin
        print(
            f"{name}: {inputs:,} inputs, {accepted:,} accepted, {len(kinds)} kinds of errors,"
            f" {seconds:.0f} s",
            flush=True,
        )
        for what, (number, said, first) in sorted(kinds.items()):
            print(f"    {number} × {what}: {said[:200]}\n        {first[:400]!r}", flush=True)
        broken, total = broken + len(kinds), total + inputs
    print(f"{total:,} inputs to {len(given.parsers)} parsers, {broken} kinds of errors")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
