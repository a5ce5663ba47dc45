"""Commands tell errors of the input in plain words."""

import subprocess
import sys
from pathlib import Path

import pytest
from torch.utils.data import DataLoader

from snl_video.errors import InputError, VideoError, plain_errors

TRAIN = Path(__file__).parents[1] / "train.py"


class Broken:
    """A data set whose only video can't be read."""

    def __len__(self):
        return 1

    def __getitem__(self, index):
        raise VideoError("a.mp4: no frame can be decoded\ncheck the file")


@pytest.mark.parametrize("kind", InputError.__subclasses__())
def test_an_error_of_the_input_keeps_its_words(kind):
    with pytest.raises(SystemExit) as caught, plain_errors():
        raise kind("a.mp4: two\nlines")
    assert caught.value.code == "a.mp4: two\nlines"
    assert isinstance(caught.value.__cause__, kind)


def test_there_are_errors_of_the_input():
    assert len(InputError.__subclasses__()) >= 7


def test_the_traceback_of_a_worker_is_left_out():
    with pytest.raises(SystemExit) as caught, plain_errors():
        list(DataLoader(Broken(), num_workers=1))
    assert caught.value.code == "a.mp4: no frame can be decoded\ncheck the file"


def test_other_errors_stay_as_they_are():
    with pytest.raises(ZeroDivisionError), plain_errors():
        raise ZeroDivisionError


def test_the_script_prints_the_message_alone(tmp_path):
    options = [f"--data.root={tmp_path}/gone", f"--run_dir={tmp_path}/run"]
    done = subprocess.run(
        [sys.executable, TRAIN, "fit", *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"{tmp_path}/gone" in done.stderr.splitlines()[-1]
