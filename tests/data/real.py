"""Real clips beside the checkout, where there are any."""

from pathlib import Path

import pytest

REAL = Path(__file__).parents[2].parent / "shared" / "data"


def real_clips(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in (REAL / folder).rglob("*.*")]
    return sorted(path for path in found if path.suffix in (".avi", ".mp4"))


needs_real = pytest.mark.skipif(not REAL.is_dir(), reason=f"no real clips at {REAL}")
