"""The options of a script that makes many trainings."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from labutils.training.sweeping import sweep


def sweep_options(script: str | os.PathLike, part: str = "") -> dict[str, Any]:
    """Return the arguments of `sweep` that a script is called with.

    ``--workers N``: processes of this machine; ``--scheduler ADDRESS``: a Dask cluster instead. The store is
    a file beside the script, script.jsonl, or script_part.jsonl for a script with several sweeps. Called
    again, the script goes on where it was.

    Parameters
    ----------
    script : its ``__file__``.
    part : names one of several sweeps.

    Returns
    -------
    dict
        store, workers, client, progress.
    """
    path = Path(script)
    parser = argparse.ArgumentParser(prog=path.name, epilog=f"see {sweep.__module__}.{sweep.__name__}")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", type=int, help="processes of this machine (as many as it has cores)")
    where.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster, such as tcp://login1:8786")
    given = parser.parse_args(sys.argv[1:])
    store = path.with_name(f"{path.stem}{f'_{part}' * bool(part)}.jsonl")
    return {"store": store, "workers": given.workers, "client": given.scheduler, "progress": True}
