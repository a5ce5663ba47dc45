"""Train, evaluate and use a network: ``python train.py fit --config configs/demo.yaml``."""

from snl_video.cli import main
from snl_video.errors import plain_errors

if __name__ == "__main__":
    with plain_errors():
        main()
