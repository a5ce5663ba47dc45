"""The program `snl-video` by another door: ``python train.py fit --config configs/demo.yaml``."""

import sys

from snl_video.cli import main

if __name__ == "__main__":
    sys.exit(main())
