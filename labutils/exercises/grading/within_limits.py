"""Limit what this process may take, then become another command.

python -IS within_limits.py KIND=NUMBER,… COMMAND …

`sandbox` starts it as a script, since between fork and exec a thread of its own process may not import
`resource`. A limit that this system does not know, or does not let be set, is left as it is.
"""

import contextlib
import os
import sys


def main(limits: str, *command: str) -> None:
    """Set limits such as ``RLIMIT_NPROC=200,RLIMIT_CORE=0``, and run the command in their place."""
    import resource  # which Windows has not

    for limit in limits.split(","):
        name, number = limit.split("=")
        if hasattr(resource, name):
            kind = getattr(resource, name)
            hard = resource.getrlimit(kind)[1]
            most = int(number) if hard == resource.RLIM_INFINITY else min(int(number), hard)
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(kind, (most, most))
    os.execv(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
