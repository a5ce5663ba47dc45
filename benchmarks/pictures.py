"""The pictures of a run that README and docs show: its report, and what one position looks at.

    python -m benchmarks.pictures --run runs/demo --explained runs/demo/explain/same/res3.1

writes to docs/pictures/: report.png, the first screen of the run's report on a phone, and
affinity.png, the overview that `snl-video explain` drew. The report needs Playwright and Chromium.
"""

import argparse
from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).parents[1] / "docs/pictures"
COLOURS = 128
WIDTH = 1000


def report_picture(page: Path, out: Path, chromium: str | None = None) -> None:
    """The top of an HTML page as a phone shows it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        screen = browser.new_page(
            viewport={"width": 480, "height": 600}, device_scale_factor=2, color_scheme="light"
        )
        screen.goto(page.resolve().as_uri())
        screen.screenshot(path=out)
        browser.close()
    small_picture(out, out)


def small_picture(source: Path, out: Path) -> None:
    """The same picture in few colours, not wider than a page shows it."""
    image = Image.open(source).convert("RGB")
    image.thumbnail((WIDTH, 10 * WIDTH))
    image.quantize(COLOURS).save(out, optimize=True)


def main() -> None:
    """Write both pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True, help="folder of a tested run")
    parser.add_argument("--explained", type=Path, required=True, help="folder of a block")
    parser.add_argument("--chromium", help="the browser, where Playwright has none of its own")
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    report_picture(options.run / "report/report.html", FOLDER / "report.png", options.chromium)
    small_picture(options.explained / "overview.png", FOLDER / "affinity.png")


if __name__ == "__main__":
    main()
