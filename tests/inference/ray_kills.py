"""Many files, and programs that work on them with Ray while processes are killed."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from snl_video.cli import main
from snl_video.data.manifest import scan
scan.SAVE_EVERY_S = 0.5  # else nothing of a short check is saved before its end
sys.exit(main(sys.argv[1:]))
"""


def many(folder: Path, videos: Path, count: int, bad: int) -> Path:
    """Names for the same few videos, and files that are none."""
    sources = sorted((videos / "videos").rglob("*.mp4"))
    folder.mkdir(parents=True)
    for number in range(count):
        os.link(sources[number % len(sources)], folder / f"{number:05d}.mp4")
    for number in random.Random(0).sample(range(count), bad):
        (folder / f"{number:05d}.mp4").unlink()
        (folder / f"{number:05d}.mp4").write_bytes(b"no video at all")
    return folder


def start(words: list) -> subprocess.Popen:
    """Start the program with --engine ray and two workers."""
    options = ["--engine", "ray", "--workers", "2"]
    command = [sys.executable, "-c", PROGRAM, *map(str, words), *options]
    return subprocess.Popen(command, cwd=ROOT, start_new_session=True)


def run_to_the_end(words: list, done: Callable[[], int], seed: int) -> int:
    """Kill an actor three times and the driver twice, and return the last driver's exit code.

    Args:
        words: of the program.
        done: how much is done; before each kill it must have grown.
        seed: of the moments and the victims.
    """
    draw = random.Random(seed)
    driver = start(words)
    for victim in ("actor", "driver", "actor", "driver", "actor"):
        before = done()
        while done() <= before + 1 and driver.poll() is None:
            time.sleep(0.05)
        time.sleep(draw.random() / 2)
        assert driver.poll() is None, "it ended before all were killed"
        if victim == "driver":
            driver.kill()
            driver.wait()
            driver = start(words)
        else:
            os.kill(draw.choice(actors(driver.pid)), signal.SIGKILL)
    return driver.wait(600)


def actors(session: int) -> list[int]:
    """Processes that work on parts, among those that a driver started.

    A child in which an actor decodes has the actor's name, and is none.
    """
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name = (folder / "cmdline").read_bytes()
            if b"ray::MapWorker" in name and os.getsid(int(folder.name)) == session:
                status = (folder / "status").read_text()
                parents[int(folder.name)] = int(re.search(r"PPid:\s*(\d+)", status)[1])
        except (OSError, ProcessLookupError):
            continue
    return sorted(pid for pid, parent in parents.items() if parent not in parents)
