"""Lines for the user about the folder of a run."""

import shlex

from snl_video.run import resume_command


def test_the_line_that_resumes_names_the_last_checkpoint_once():
    plain = (
        "snl-video fit --config demo --run_dir 'my run' --ckpt_path 'my run/checkpoints/last.ckpt'"
    )
    for old in ([], ["--ckpt_path", "a.ckpt"], ["--ckpt_path=a.ckpt"]):
        words = ["fit", "--config", "demo", *old, "--run_dir", "my run"]
        assert resume_command(words, "my run") == plain
    assert shlex.split(plain)[-1] == "my run/checkpoints/last.ckpt"
