"""Signals that a whole process group gets: a loader's process lives on for a while."""

import os
import signal

from snl_video.data.loaders import GRACE, leave_signals_to_main


def test_a_worker_outlives_an_interruption_and_ends_some_time_after_sigterm():
    before = [(n, signal.getsignal(n)) for n in (signal.SIGINT, signal.SIGTERM)]
    try:
        leave_signals_to_main(0)
        os.kill(os.getpid(), signal.SIGINT)
        assert signal.alarm(0) == 0
        os.kill(os.getpid(), signal.SIGTERM)
        assert 0 < signal.alarm(0) <= GRACE
    finally:
        signal.alarm(0)
        for number, handler in before:
            signal.signal(number, handler)
