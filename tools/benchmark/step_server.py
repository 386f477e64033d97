"""Make training steps on demand, with the code of the clone in PYTHONPATH: see `commits`.

It is run from another clone's root, so it imports only what old commits have, too.
"""

import json
import sys
import time
from dataclasses import replace


def serve(config: str, mode: str, objectives: int | None, steps: int) -> None:
    """Make some steps for each line of standard input, and print the seconds of one.

    Args:
        config: Name or path of the configuration.
        mode: Name of the mode.
        objectives: Number of objectives; None: as many as the configuration has.
        steps: Steps for each line.
    """
    import torch

    from tools.benchmark.catalogue import build_mode
    from tools.benchmark.spec import read_spec, with_objectives

    torch.set_num_threads(1)
    spec = read_spec(config)
    if objectives is not None:
        spec = replace(spec, batch=with_objectives(spec.batch, objectives))
    step = build_mode(mode, spec).step
    for _ in sys.stdin:
        begin = time.process_time()
        for _ in range(steps):
            step()
        print((time.process_time() - begin) / steps, flush=True)


if __name__ == "__main__":
    serve(**json.loads(sys.argv[1]))
