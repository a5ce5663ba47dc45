"""Several machines, each one a `torchrun` of its own on this one."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.cli.tiny_run import QUIET, TINY_DATA, TINY_MODEL
from tests.free_port import free_port

ROOT = Path(__file__).parents[2]
SECONDS = 300
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "GLOO_SOCKET_IFNAME": "lo",
    "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",  # else a machine that comes again is never met
}


def words_of(command: str, videos: Path, folder: Path, *more: str) -> list[str]:
    """A sub-command on tiny videos, one process a machine."""
    tiny = [*TINY_MODEL, *TINY_DATA] if command == "fit" else []
    return [
        *("-m", "snl_video", command, f"--run_dir={folder}", f"--data.root={videos}"),
        *tiny,
        *QUIET,
        *("--trainer.strategy=ddp", *more),
    ]


@contextlib.contextmanager
def machine(log: Path, words: list[str], options: list[str]) -> Iterator[subprocess.Popen]:
    """Start `torchrun`; what is left of it is ended with the block.

    Args:
        log: file for what it prints.
        words: what each of its processes runs.
        options: of `torchrun`.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as file:
        agent = subprocess.Popen(
            [sys.executable, "-m", "torch.distributed.run", *options, *words],
            cwd=ROOT,
            env={**os.environ, **ENVIRONMENT},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            yield agent
        finally:
            cut_power(agent)


def cut_power(agent: subprocess.Popen) -> None:
    """End a machine with SIGKILL: `torchrun` and all that it started."""
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{agent.pid}/task/{agent.pid}/children").read_text().split()
        for pid in (agent.pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    agent.wait()


def two_machines() -> list[list[str]]:
    """Options of `torchrun` on each of two machines; the first holds the meeting place."""
    endpoint = f"127.0.0.1:{free_port()}"
    common = ["--nnodes=2", "--nproc-per-node=1", "--max-restarts=3", "--rdzv-backend=c10d"]
    return [
        [*common, f"--rdzv-endpoint={endpoint}", f"--rdzv-conf=is_host={host}"]
        for host in ("true", "false")
    ]


def run_on_two(logs: Path, words: list[str]) -> None:
    """Run words on two machines to their end."""
    words = [*words, "--trainer.num_nodes=2", "--trainer.devices=1"]
    first, second = two_machines()
    with (
        machine(logs / "0.txt", words, first) as one,
        machine(logs / "1.txt", words, second) as two,
    ):
        codes = [agent.wait(SECONDS) for agent in (one, two)]
    assert codes == [0, 0], (logs / "0.txt").read_text()[-2000:]


def run_on_one(logs: Path, words: list[str], processes: int) -> None:
    """Run words in some processes of one machine to their end."""
    options = ["--standalone", f"--nproc-per-node={processes}"]
    words = [*words, f"--trainer.devices={processes}"]
    with machine(logs / "one.txt", words, options) as agent:
        code = agent.wait(SECONDS)
    assert code == 0, (logs / "one.txt").read_text()[-2000:]
