"""The shape of what is typed when reports are asked for, and when figures from outside are submitted."""

from django import forms

from apps.reports import submissions
from apps.reports.models import Kind
from apps.reports.rules import LIMITS, MOST_SEED, WORDS, name_of

LIMITED = {name: limit for limits in LIMITS.values() for name, limit in limits.items()}


CELLS = {
    "value": "Value", "low": "Interval from", "high": "to", "n": "Rows", "smallest_group": "Smallest group",
}  # fmt: skip


class Start(forms.Form):
    """Which model is measured, how, and what it is held to."""

    model_version = forms.TypedChoiceField(label="Model", coerce=int)
    kinds = forms.MultipleChoiceField(
        label="Reports",
        choices=[(kind.value, f"{kind.label}: {WORDS[kind]}") for kind in Kind],
        initial=Kind.values,
        widget=forms.CheckboxSelectMultiple,
    )
    seed = forms.IntegerField(
        label="Seed", min_value=0, max_value=MOST_SEED, initial=0, help_text="The same seed gives the same bytes."
    )

    def __init__(self, *args, versions, **options):
        super().__init__(*args, **options)
        self.fields["model_version"].choices = [(version.pk, str(version)) for version in versions]
        for name, (direction, threshold) in LIMITED.items():
            word = {"at_least": "at least", "at_most": "at most"}[direction]
            self.fields[f"limit_{name}"] = forms.FloatField(
                label=f"{name_of(name)}, {word}".capitalize(), initial=threshold, required=False
            )

    @property
    def limits(self):
        """The fields that hold limits, for a page that folds them away."""
        return [self[name] for name in self.fields if name.startswith("limit_")]

    @property
    def parameters(self) -> dict:
        """What was typed, as the action takes it; an empty limit stays at its default."""
        given = {name: self.cleaned_data[f"limit_{name}"] for name in LIMITED}
        limits = {name: value for name, value in given.items() if value is not None and value != LIMITED[name][1]}
        return {"seed": self.cleaned_data["seed"], "limits": limits}


class Submission(forms.Form):
    """Figures of one kind that were measured elsewhere: a row for each that such a report may hold, and a table.

    What is wrong with them, `submissions` says; `objections` brings it to where it was typed."""

    model_version = forms.TypedChoiceField(coerce=int, widget=forms.HiddenInput)
    kind = forms.ChoiceField(choices=Kind.choices, widget=forms.HiddenInput)
    measured_by = forms.CharField(
        label="Measured by",
        max_length=submissions.TEXTS["measured_by"],
        help_text="The person, team or firm. Who submits stands beside it.",
    )
    measured_on = forms.DateField(
        label="Measured on",
        widget=forms.DateInput({"type": "date"}),
        help_text="A policy that asks for young figures counts from this day.",
    )
    method = forms.CharField(
        label="By which method",
        max_length=submissions.TEXTS["method"],
        help_text="The tool and its version, the split, how the 95 % intervals were made.",
        widget=forms.Textarea({"rows": 4}),
    )
    data = forms.CharField(
        label="On which data",
        max_length=submissions.TEXTS["data"],
        help_text="Whose rows, from when and where, and whether the model had seen them.",
        widget=forms.Textarea({"rows": 3}),
    )
    data_digest = forms.CharField(
        label="SHA-256 of the data",
        required=False,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    rows = forms.CharField(
        label="Rows measured on",
        required=False,
        help_text="For every figure that does not say its own.",
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off"}),
    )
    pasted = forms.CharField(
        label="Figures as a table",
        required=False,
        help_text=f"CSV whose first line names {', '.join(submissions.COLUMNS)}; or JSON, a list of objects with them.",
        widget=forms.Textarea({"rows": 6, "spellcheck": "false"}),
    )
    file = forms.FileField(
        label="The original",
        required=False,
        help_text="The report as you have it, of any type. It is kept as it is, and nobody here opens it.",
    )

    def __init__(self, *args, versions, kind: str, attributes, **options):
        super().__init__(*args, **options)
        self.fields["model_version"].choices = [(version.pk, str(version)) for version in versions]
        self.asked = submissions.asked(kind, attributes)
        self.sources: list[tuple[str, int]] = []  # of each figure given: its row, or its place in the table
        for place, (_, of, figure) in enumerate(self.asked):
            for cell in self.cells(figure):
                called = f"{figure.label}{f' by {of}' if of else ''}: {CELLS[cell].lower()}"
                attributes_of = {"inputmode": "decimal", "autocomplete": "off", "aria-label": called, "size": 8}
                self.fields[f"{cell}_{place}"] = forms.CharField(
                    label=called, required=False, max_length=40, widget=forms.TextInput(attributes_of)
                )

    @staticmethod
    def cells(figure) -> list[str]:
        """What is asked of a figure: one that is exact has no interval, one of the whole model no smallest group."""
        left_out = {"low", "high"} if figure.exact else set()
        return [name for name in CELLS if name not in left_out | (set() if figure.by_group else {"smallest_group"})]

    @property
    def lines(self) -> list[dict]:
        """The rows of the page: each figure with its cells, in the order of CELLS; None where it has no such."""
        return [
            {
                "label": figure.label,
                "of": of,
                "cells": [
                    (words, self[f"{cell}_{place}"] if cell in self.cells(figure) else None)
                    for cell, words in CELLS.items()
                    if any(cell in self.cells(one) for *_, one in self.asked)
                ],
                "errors": [error for cell in self.cells(figure) for error in self[f"{cell}_{place}"].errors],
            }
            for place, (_, of, figure) in enumerate(self.asked)
        ]

    def clean(self):
        """`figures`: those of the rows that somebody filled, then those of the table."""
        said = super().clean()
        figures, self.sources = [], []
        everywhere = submissions.typed(said.pop("rows", ""))
        for place, (name, of, figure) in enumerate(self.asked):
            cells = {cell: submissions.typed(said.pop(f"{cell}_{place}", "")) for cell in self.cells(figure)}
            if any(cell is not None for cell in cells.values()):
                figures.append({"name": name, "of": of} | cells)
                self.sources.append(("row", place))
        try:
            table = submissions.pasted(said.pop("pasted", ""))
        except submissions.Unreadable as problem:
            self.add_error("pasted", str(problem))
            table = []
        self.sources += [("table", place) for place in range(len(table))]
        said["figures"] = [one | ({"n": everywhere} if one.get("n") is None else {}) for one in (*figures, *table)]
        return said

    @property
    def given(self) -> dict:
        """What the action takes."""
        return {name: self.cleaned_data[name] for name in (*submissions.TEXTS, "measured_on", "data_digest", "figures")}

    def objections(self, problems: dict[str, str]) -> None:
        """Each where it was typed."""
        for field, sentence in problems.items():
            _, *rest = field.split(".")
            if not rest:
                self.add_error("pasted" if field == "figures" else field if field in self.fields else None, sentence)
                continue
            (where, place), cell = self.sources[int(rest[0])], rest[1]
            if where == "table":
                self.add_error("pasted", f"Figure {place + 1}: {sentence}")
            else:
                self.add_error(f"{cell}_{place}" if f"{cell}_{place}" in self.fields else f"value_{place}", sentence)


class Withdrawal(forms.Form):
    reason = forms.CharField(label="Why it is withdrawn", max_length=1000, widget=forms.Textarea({"rows": 3}))
