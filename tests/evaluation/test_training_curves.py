"""The curves of a report are the numbers of the run's logs."""

from snl_video.evaluation.report.training_curves import read_curves


def write(folder, version, text):
    file = folder / f"version_{version}/metrics.csv"
    file.parent.mkdir(parents=True)
    file.write_text(text)


def test_a_resumed_run_goes_on_where_the_first_log_ended(tmp_path):
    write(tmp_path, 0, "step,train/loss,val/top1\n4,2.0,\n9,1.0,\n9,,0.5\n14,7.0,\n19,nan,\n")
    write(tmp_path, 1, "step,train/loss,val/top1\n14,0.5,\n14,,0.75\n")
    loss, top1 = read_curves(tmp_path)
    assert (loss.title, top1.title) == ("Loss", "Top-1")
    assert loss.lines == [("training", [(4, 2.0), (9, 1.0), (14, 0.5)])]
    assert top1.lines == [("validation", [(9, 0.5), (14, 0.75)])]
    assert (loss.last_step, loss.top) == (14, 2.0)
    assert loss.drawn([(0, 2.0), (7, 1.0), (14, 0.0)]) == "0.0,0.0 150.0,80.0 300.0,160.0"


def test_without_logs_there_are_no_curves(tmp_path):
    assert read_curves(tmp_path / "csv") == []
