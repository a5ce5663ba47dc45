"""The page of a comparison."""

from snl_video.evaluation.comparison import Comparison
from snl_video.evaluation.intervals import METHOD, NO_SPREAD
from snl_video.evaluation.report.page import render


def comparison_page(comparison: Comparison) -> str:
    """Return the document."""
    number = len(comparison.reports[0].videos.ids)
    methods = [report.metrics.get("interval_method", METHOD) for report in comparison.reports]
    ends = [end for pair in comparison.pairs for end in pair.deciding.interval]
    return render(
        "comparison.html",
        title=f"{len(comparison.reports)} networks on {number} videos",
        comparison=comparison,
        reach=max(map(abs, ends)) or 0.01,
        interval_method="; ".join(dict.fromkeys(methods)),
        no_spread=NO_SPREAD,
    )
