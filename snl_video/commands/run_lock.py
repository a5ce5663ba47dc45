"""One training at a time in the folder of a run, and sentences where it can't be written to."""

import contextlib
import errno
import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from snl_video.errors import InputError
from snl_video.whole_files import is_alive

FILE = "training.lock"
BEAT = 30.0
"""Seconds between two signs of life of who holds a lock."""
SILENCE = 300.0
"""Seconds without one after which a lock of another machine counts as left behind."""
FULL = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def locked_run(run_dir: Path) -> Iterator[None]:
    """Hold the folder of a run, which is made, until the end of the block.

    The lock is a file with machine and process in it, so it needs no support of the file system
    for locks. One that a dead process left is taken over.

    Raises:
        InputError: another training holds it, or the folder can't be written to, now or later.
    """
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        with _held(run_dir / FILE, _who(os.getpid())):
            yield
    except OSError as error:
        if reason := _reason(run_dir, error):
            raise InputError(
                f"the folder of the run, {run_dir}, {reason} ({error}). Mend that, and go on with "
                "the same command and --resume auto, or choose another folder with --run_dir"
            ) from error
        raise
    finally:
        with contextlib.suppress(OSError):
            run_dir.rmdir()  # only where nothing was written to it


@contextlib.contextmanager
def _held(file: Path, mine: dict[str, Any]) -> Iterator[None]:
    """Hold a lock, and show signs of life."""
    _take(file, mine)
    stop = threading.Event()
    threading.Thread(target=_beat, args=(file, stop), daemon=True).start()
    try:
        yield
    finally:
        stop.set()
        if _read(file) == mine:
            file.unlink(missing_ok=True)


def _who(pid: int) -> dict[str, Any]:
    """Machine and process; when the process began, since numbers of processes come again."""
    job = {name: os.environ.get(name) for name in ("SLURM_JOB_ID", "SLURM_RESTART_COUNT")}
    return {"host": socket.gethostname(), "pid": pid, "began": _began(pid), **job}


def _began(pid: int) -> str:
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[19]}"
    return ""


def _take(file: Path, mine: dict[str, Any]) -> None:
    """Make the lock, whole with its content where the file system has hard links."""
    scratch = file.with_name(f".{FILE}-{mine['host']}-{mine['pid']}")
    scratch.write_text(json.dumps(mine), encoding="utf-8")
    try:
        if file.exists() and _is_left(file, scratch):
            file.unlink(missing_ok=True)
        try:
            os.link(scratch, file)
        except FileExistsError:
            raise
        except OSError:
            with file.open("x", encoding="utf-8") as lock:
                lock.write(json.dumps(mine))
    except FileExistsError:
        holder = _read(file)
        raise InputError(
            f"{file.parent} is in use by a training on {holder.get('host', 'another machine')} "
            f"(process {holder.get('pid', 'unknown')}); wait for its end, choose another folder "
            f"with --run_dir, or delete {file} if there is no such process. A lock of another "
            f"machine is taken over {SILENCE:.0f} s after its last sign of life"
        ) from None
    finally:
        scratch.unlink(missing_ok=True)


def _is_left(file: Path, scratch: Path) -> bool:
    """Say whether who holds a lock is gone; `scratch` tells the time of the file system."""
    holder, mine = _read(file), _read(scratch)
    if not holder:
        return False
    job, restart = "SLURM_JOB_ID", "SLURM_RESTART_COUNT"
    if mine[job] is not None and mine[job] == holder.get(job) and mine[restart] != holder[restart]:
        return True  # this job, before Slurm put it into the queue again
    if holder["host"] == mine["host"]:
        return not is_alive(holder["pid"]) or _began(holder["pid"]) != holder["began"]
    return scratch.stat().st_mtime - file.stat().st_mtime > SILENCE


def _read(file: Path) -> dict[str, Any]:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _beat(file: Path, stop: threading.Event) -> None:
    while not stop.wait(BEAT):
        with contextlib.suppress(OSError):
            os.utime(file)


def _reason(run_dir: Path, error: OSError) -> str:
    """What is wrong with the folder, "" where the error is of something else."""
    if error.errno in FULL:
        return "has no space left on its disk"
    inside = error.filename is not None and Path(run_dir) in [
        Path(os.fsdecode(error.filename)),
        *Path(os.fsdecode(error.filename)).parents,
    ]
    if not run_dir.exists():
        return "was removed, or can't be made"
    return "can't be written to" if inside else ""
