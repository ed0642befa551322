"""The performance report, told."""

from apps.common.charts import calibration_chart, grid_chart, histogram, line_chart
from apps.common.numbers import number, rounded, threshold
from apps.reports.sheets.parts import Cell, Section, Table, measured


def sections(result):
    figures = {figure["name"]: figure for figure in result["figures"]}
    detail = result["detail"]
    yield _decisions(detail, figures["accuracy"]["n"])
    yield _ranking(detail, figures)
    yield _calibration(detail, figures)
    yield _thresholds(detail)


def _decisions(detail, n):
    cells, at = detail["confusion"], threshold(detail["threshold"])
    favourable, not_so = "favourable", "unfavourable"
    return Section(
        f"Decisions at {at}",
        (
            f"A row is predicted favourable from a probability of {at} upwards. Of {number(n)} rows, "
            f"{100 * detail['base_rate']:.1f} % truly were favourable.",
        ),
        (
            grid_chart(
                {
                    (favourable, favourable): cells["true_positive"],
                    (favourable, not_so): cells["false_negative"],
                    (not_so, favourable): cells["false_positive"],
                    (not_so, not_so): cells["true_negative"],
                },
                title="Truth against prediction",
                caption="Rows by what was true and what was predicted; shares are of each true outcome.",
                down="truly",
                across="predicted",
                share_of="row",
            ),
            _scores(detail),
        ),
    )


def _scores(detail):
    bars = detail["probabilities"]
    return histogram(
        [bar["from"] for bar in bars] + [bars[-1]["to"]],
        [bar["favourable"] + bar["unfavourable"] for bar in bars],
        overlay={"truly favourable": [bar["favourable"] for bar in bars]},
        title="Predicted probabilities",
        caption="How many rows were given which probability, all of them and those truly favourable.",
        x="predicted probability",
        limit=detail["threshold"],
    )


def _ranking(detail, figures):
    area, precision = figures["roc_auc"], figures["average_precision"]
    roc = [(point["false_positive_rate"], point["true_positive_rate"]) for point in detail["roc"]]
    curve = [(point["recall"], point["precision"]) for point in detail["precision_recall"]]
    return Section(
        "Ranking at every threshold",
        (),
        (
            line_chart(
                {"ROC": roc},
                title="ROC curve",
                caption=f"True against false positive rate at every threshold. Area {_said(area)}; the diagonal is "
                f"chance.",
                x="false positive rate",
                y="true positive rate",
                diagonal=True,
                x_domain=(0, 1),
                y_domain=(0, 1),
            ),
            line_chart(
                {"precision": curve},
                title="Precision and recall",
                caption=f"Precision against recall at every threshold. Average precision {_said(precision)}; always "
                f"saying favourable would be right for {100 * detail['base_rate']:.1f} %.",
                x="recall",
                y="precision",
                x_domain=(0, 1),
                y_domain=(0, 1),
            ),
        ),
    )


def _calibration(detail, figures):
    error, slope, intercept = (figures[f"calibration_{name}"] for name in ("error", "slope", "intercept"))
    words = (
        f"Predicted and observed shares differ by {_said(error)} on average; a perfectly calibrated model would show "
        f"about {detail['expected_if_calibrated']:.3f} on so many rows."
    )
    if _measured(slope):
        words += f" The slope is {_said(slope)} (below 1: too extreme, above 1: too timid)"
        words += f" and the intercept {_said(intercept)} (above 0: too low overall)." if _measured(intercept) else "."
    return Section(
        "Calibration",
        (words,),
        (
            calibration_chart(
                detail["calibration"],
                title="Calibration",
                caption="Share truly favourable against mean predicted probability, in ten bins of equal size, with "
                "95 % intervals. On the diagonal, a probability means what it says.",
            ),
        ),
    )


def _thresholds(detail):
    names = ("selection_rate", "true_positive_rate", "true_negative_rate", "precision", "balanced_accuracy")
    lines = tuple(
        (Cell(threshold(row["threshold"])), *(measured(row[name]) for name in names)) for row in detail["thresholds"]
    )
    columns = (
        "Threshold",
        "predicted favourable",
        "true positive rate",
        "true negative rate",
        "precision",
        "balanced accuracy",
    )
    caption = f"The same {number(detail['thresholds'][0]['n'])} rows at other thresholds; 95 % intervals beneath."
    return Section("At other thresholds", (), (Table(caption, columns, lines),))


def _measured(figure) -> bool:
    return figure["value"] is not None


def _said(figure):
    shown = rounded(figure["value"], figure["low"], figure["high"], figure["n"])
    low, high = (rounded(figure[end], figure["low"], figure["high"]) for end in ("low", "high"))
    return f"{shown} ({low} to {high})"
