"""The videos of the old run, which are the same wherever they are written."""

from tests.cli.conftest import videos as videos
