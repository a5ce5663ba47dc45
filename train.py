"""Train, evaluate and use a network: ``python train.py fit --config configs/demo.yaml``."""

from snl_video.cli import main

if __name__ == "__main__":
    main()
