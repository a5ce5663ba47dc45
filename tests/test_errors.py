"""What a command tells about an error, and its exit code."""

import pytest
from torch.utils.data import DataLoader

from snl_video import cli
from snl_video.cli import sentence
from snl_video.errors import InputError, VideoError


class Broken:
    """A data set whose only video can't be read."""

    def __len__(self):
        return 1

    def __getitem__(self, index):
        raise VideoError("a.mp4: no frame can be decoded\ncheck the file")


@pytest.mark.parametrize("kind", InputError.__subclasses__())
def test_an_error_of_the_input_keeps_its_words(kind):
    assert sentence(kind("a.mp4: two\nlines")) == "a.mp4: two\nlines"


def test_there_are_errors_of_the_input():
    assert len(InputError.__subclasses__()) >= 8


def test_the_traceback_of_a_worker_is_left_out():
    with pytest.raises(VideoError) as caught:
        list(DataLoader(Broken(), num_workers=1))
    assert "Traceback" in str(caught.value)
    assert sentence(caught.value) == "a.mp4: no frame can be decoded\ncheck the file"


def test_another_error_is_called_a_bug_by_its_name():
    words = sentence(ZeroDivisionError("division by zero"))
    assert words.startswith("this is a bug: ZeroDivisionError: division by zero\n")
    assert "--debug" in words


class Command:
    """In the place of a command's module."""

    def __init__(self, result):
        self.result = result

    def main(self, words):
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result


@pytest.mark.parametrize(
    ("result", "code", "words"),
    [
        (None, 0, ""),
        (1, 1, ""),
        (InputError("no such video"), 1, "error: no such video\n"),
        (OSError(28, "No space left on device", "a"), 1, "No space left on device: 'a'\n"),
        (ZeroDivisionError("division"), 1, "this is a bug: ZeroDivisionError: division\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (SystemExit(1), 1, ""),
        (SystemExit(), 143, ""),
    ],
)
@pytest.mark.parametrize("debug", [False, True])
def test_exit_codes_and_tracebacks(monkeypatch, capsys, result, code, words, debug):
    monkeypatch.setattr(cli, "import_module", lambda name: Command(result))
    assert cli.main(["check", "--debug"] if debug else ["check"]) == code
    told = capsys.readouterr().err
    assert words in told
    assert ("Traceback" in told) == (debug and isinstance(result, Exception))


def test_a_process_that_waits_in_vain_says_so():
    told = sentence(RuntimeError("[pair.cc:1] Timed out waiting 5000ms for recv operation"))
    assert "waited for the others in vain" in told
    assert "--process_timeout" in told


@pytest.mark.parametrize(
    "words",
    [
        "[pair.cc:5] Read error [127.0.0.1]:1: Connection reset by peer.",
        "NCCL error: remote process exited",
    ],
)
def test_a_process_that_loses_another_says_so(words):
    assert sentence(RuntimeError(words)).startswith("another process of this run has ended")
