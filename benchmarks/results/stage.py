"""One sub-command of `snl-video` that leaves a mark when it has come to its end.

    python -m benchmarks.results.stage MARK fit --config ...

The exit code does not tell: a `fit` that is stopped by SIGTERM ends with 0.
"""

import sys
from pathlib import Path

from snl_video.cli import main as snl_video


def main() -> int:
    """Run it, and return its exit code."""
    mark, *words = sys.argv[1:]
    code = snl_video(words)
    if code == 0:
        Path(mark).touch()
    return code


if __name__ == "__main__":
    sys.exit(main())
