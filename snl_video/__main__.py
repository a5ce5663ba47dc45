"""`python -m snl_video`, the same program as `snl-video`."""

import sys

from snl_video.cli import main

if __name__ == "__main__":
    sys.exit(main())
