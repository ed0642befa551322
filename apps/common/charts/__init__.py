"""Charts for pages and documents: values in, a `Chart` out; shown by `{% figure chart 1 %}` or `chart.print_svg()`."""

from apps.common.charts.curves import calibration_chart, histogram, line_chart, scatter
from apps.common.charts.drawing import Chart
from apps.common.charts.groups import Row, bar_chart, grid_chart, importance_chart, interval_chart

__all__ = [
    "Chart", "Row", "bar_chart", "calibration_chart", "grid_chart", "histogram", "importance_chart", "interval_chart",
    "line_chart", "scatter",
]  # fmt: skip
