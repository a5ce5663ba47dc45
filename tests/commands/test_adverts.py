"""Adverts are kept from the terminal, and nothing else is."""

import logging
import warnings

import pytest

from snl_video.commands.adverts import LOGGERS, without_adverts


def test_adverts_are_silent_and_other_lines_are_not(caplog):
    log = logging.getLogger(LOGGERS[0])
    with caplog.at_level(logging.INFO, logger=LOGGERS[0]):
        with without_adverts():
            log.info("💡 Tip: install something")
            log.info("TPU available: False, using: 0 TPU cores")
            log.warning("a video is broken")
        log.info("💡 Tip: outside")
    assert caplog.messages == ["a video is broken", "💡 Tip: outside"]


def test_warnings_that_no_user_can_act_on_are_silent():
    with without_adverts(), warnings.catch_warnings(record=True) as told:
        warnings.warn(
            "The 'train_dataloader' does not have many workers which may be", stacklevel=1
        )
        warnings.warn("`max_epochs` was not set. Setting it to 1000", stacklevel=1)
        warnings.warn("the learning rate is odd", stacklevel=1)
    assert [str(one.message) for one in told] == ["the learning rate is odd"]


@pytest.mark.parametrize("fails", [False, True])
def test_the_filters_go_again(fails):
    before = list(warnings.filters), [list(logging.getLogger(n).filters) for n in LOGGERS]
    try:
        with without_adverts():
            assert not fails
    except AssertionError:
        pass
    assert before == (
        list(warnings.filters),
        [list(logging.getLogger(name).filters) for name in LOGGERS],
    )
