"""The pictures of a run that README and docs show: its report, and what one position looks at.

    python -m benchmarks.pictures --run runs/demo --video CLIP --position FRAME ROW COLUMN

writes to docs/pictures/: report.png, the first screen of the run's report on a phone, and
affinity.jpg, frames of the clip as `snl-video explain` draws them. The report needs Playwright and
Chromium.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).parents[1] / "docs/pictures"
COLUMNS = 4
SIDE = 200
GAP = 6


def report_picture(page: Path, out: Path, chromium: str | None = None) -> None:
    """The top of an HTML page as a phone shows it, in 64 colours."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        screen = browser.new_page(
            viewport={"width": 480, "height": 600}, device_scale_factor=2, color_scheme="light"
        )
        screen.goto(page.resolve().as_uri())
        screen.screenshot(path=out)
        browser.close()
    Image.open(out).convert("RGB").quantize(64).save(out, optimize=True)


def affinity_picture(run: Path, video: Path, position: list[int], out: Path) -> None:
    """Frames of a clip, evenly chosen, above the same frames with the affinity laid over them."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["--checkpoint", str(run / "checkpoints/best.ckpt"), "--video", str(video)]
        words += ["--position", *map(str, position), "--output", folder]
        subprocess.run([sys.executable, "-m", "snl_video", "explain", *words], check=True)
        (place,) = Path(folder).iterdir()
        overlays = [Image.open(path).convert("RGB") for path in sorted(place.glob("frame_*.png"))]
        last = len(overlays) - 1
        chosen = [overlays[i * last // (COLUMNS - 1)] for i in range(COLUMNS)]
        mosaic(chosen).save(out, quality=88)


def mosaic(frames: list[Image.Image]) -> Image.Image:
    """Square frames in rows of COLUMNS."""
    rows = -(-len(frames) // COLUMNS)
    size = COLUMNS * SIDE + (COLUMNS - 1) * GAP, rows * SIDE + (rows - 1) * GAP
    sheet = Image.new("RGB", size, "white")
    for number, frame in enumerate(frames):
        row, column = divmod(number, COLUMNS)
        place = column * (SIDE + GAP), row * (SIDE + GAP)
        sheet.paste(frame.resize((SIDE, SIDE), Image.Resampling.BICUBIC), place)
    return sheet


def main() -> None:
    """Write both pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True, help="folder of a tested run")
    parser.add_argument("--video", type=Path, required=True)
    parser.add_argument("--position", type=int, nargs=3, required=True, metavar="N")
    parser.add_argument("--chromium", help="the browser, where Playwright has none of its own")
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    report_picture(options.run / "report/report.html", FOLDER / "report.png", options.chromium)
    affinity_picture(options.run, options.video, options.position, FOLDER / "affinity.jpg")


if __name__ == "__main__":
    main()
