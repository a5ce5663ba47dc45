"""The program `snl-video`: its sub-commands, its exit codes and its errors."""

import difflib
import io
import signal
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple

from snl_video import __version__
from snl_video.errors import InputError, UsageError

OK, FAILED, USAGE = 0, 1, 2
LOST = ("Connection closed by peer", "Connection reset by peer", "remote process exited")
"""What gloo and NCCL say where a process of a run is gone."""


class Command(NamedTuple):
    """A sub-command: the module whose `main(words)` runs it, and what it does."""

    module: str
    purpose: str


COMMANDS = {
    "fit": Command("video_cli", "train a network with a recipe"),
    "validate": Command("video_cli", "measure a finished run on its validation videos"),
    "test": Command("video_cli", "measure a finished run on the test videos, and write a report"),
    "predict": Command("predict", "name the classes of videos"),
    "features": Command("features", "compute features of videos once, and keep them"),
    "probe": Command("probe", "train classifiers on cached features, in minutes on a CPU"),
    "timeline": Command("timeline", "say what happens when in a long video"),
    "live": Command("live", "say what a camera, a URL or a file shows while it plays"),
    "export": Command("export", "write a network to a file of another runtime"),
    "serve": Command("serve", "open a web page that recognises videos"),
    "finetune": Command("finetune", "train on a folder of your own videos, one sub-folder a class"),
    "generate": Command("generate", "write a data set of its own, to try things on"),
    "check": Command("check", "look at every video of a data set before training"),
    "shard": Command("shard", "pack videos into shards, for training from a bucket"),
    "compare": Command("compare", "compare reports of the same videos, with a paired test"),
    "compare-kinds": Command("compare_kinds", "train and test with several kinds of block"),
    "spectrum": Command("spectra", "draw eigenvalues, filter and degrees of non-local blocks"),
    "explain": Command("explain", "draw what a position of a clip attends to"),
    "share": Command("share", "write a trained network for others, or put it on the hub"),
    "recipes": Command("recipes", "list the recipes, or print one"),
}
"""Name of a sub-command -> its module in `snl_video.commands`, imported when it is called."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sub-command and return the exit code; `arguments` replaces `sys.argv[1:]`.

    Returns:
        0, 1 where the work failed or found something, 2 where the command line or a setting is not
        as it should be, 130 after an interruption, 143 after SIGTERM.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file's name may be no text
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return _run([word for word in words if word != "--debug"])
    except SystemExit as end:  # of argparse's --help, or of Lightning after an interruption
        if isinstance(end.__context__, KeyboardInterrupt):  # which Lightning turns into a 1
            return 128 + signal.SIGINT
        stopped = 128 + signal.SIGTERM  # where Lightning gives no code
        return end.code if isinstance(end.code, int) else stopped if end.code is None else FAILED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 128 + signal.SIGINT
    except Exception as error:
        if debug:
            traceback.print_exc()
        print(f"error: {sentence(error)}", file=sys.stderr)
        return USAGE if isinstance(error, UsageError) else FAILED


def sentence(error: Exception) -> str:
    """Return what to tell about an error: its message, and where it is no user's that it is a bug.

    A loader's worker process puts its traceback before the message; that is left out.
    """
    if isinstance(error, InputError):
        return str(error).rsplit(f"{type(error).__name__}: ", 1)[-1].strip()
    if isinstance(error, OSError):
        return str(error)
    if isinstance(error, RuntimeError) and "timed out" in str(error).lower():
        return (
            "a process waited for the others in vain: one hangs or has ended; its own output says "
            f"why. --process_timeout says how long to wait ({str(error).splitlines()[-1]})"
        )
    if isinstance(error, RuntimeError) and any(word in str(error) for word in LOST):
        return (
            "another process of this run has ended, or its machine is gone; its own output says "
            f"why ({str(error).splitlines()[0]})"
        )
    return (
        f"this is a bug: {type(error).__name__}: {error}\n"
        "call again with --debug to see where, and please report that"
    )


def help_text() -> str:
    """Return what `snl-video --help` prints."""
    width = max(map(len, COMMANDS))
    return "\n".join(
        [
            "usage: snl-video COMMAND [options]",
            "Video action recognition with spectral non-local blocks.",
            "",
            "commands:",
            *(f"  {name:{width}}  {command.purpose}" for name, command in COMMANDS.items()),
            "",
            "options:",
            f"  {'--help':{width}}  of the program, or after a command of that command",
            f"  {'--version':{width}}  print it",
            f"  {'--debug':{width}}  with any command: show the traceback of an error",
            "example: snl-video fit --config demo",
        ]
    )


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help"):
        print(help_text())
        return OK if words else USAGE
    if words[0] == "--version":
        print(f"snl_video {__version__}")
        return OK
    command = COMMANDS.get(words[0])
    if command is None:
        near = difflib.get_close_matches(words[0], COMMANDS, 1)
        hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(COMMANDS)} comes first"
        raise UsageError(f"no command {words[0]!r}; {hint}")
    code = import_module(f"snl_video.commands.{command.module}").main(words)
    return OK if code is None else code
