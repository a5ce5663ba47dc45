"""Videos of `tests/cli`."""

from tests.cli.conftest import videos

__all__ = ["videos"]
