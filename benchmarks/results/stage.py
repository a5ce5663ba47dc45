"""One sub-command of `train.py` that leaves a mark when it has come to its end.

    python -m benchmarks.results.stage MARK fit --config ...

The exit code does not tell: a `fit` that is stopped by SIGTERM ends with 0.
"""

import sys
from pathlib import Path

from snl_video.cli import main as train


def main() -> None:
    """Run it."""
    mark, *arguments = sys.argv[1:]
    train(arguments)
    Path(mark).touch()


if __name__ == "__main__":
    main()
