"""The one form that launches a run: shared fields, and those of each estimator under its own name."""

import re

from django import forms
from django.core.validators import RegexValidator

from apps.training.rules import ESTIMATORS, SHARED, Knob

NAME = RegexValidator(r"^[a-z0-9][a-z0-9-]*$", "Use small letters, digits and hyphens, such as approve-network.")


class Launch(forms.Form):
    model = forms.CharField(
        max_length=80,
        validators=[NAME],
        label="Model",
        help_text="A run makes the next version of the model of this name. Small letters, digits and hyphens.",
        widget=forms.TextInput({"list": "models", "autocomplete": "off", "spellcheck": "false"}),
    )
    dataset_version: forms.ModelChoiceField = forms.ModelChoiceField(
        queryset=None, label="Learns from", empty_label=None
    )
    inputs_sensitive = forms.BooleanField(required=False, label="Sensitive columns are inputs of the model")
    test_dataset_version: forms.ModelChoiceField = forms.ModelChoiceField(
        queryset=None, required=False, label="Tested on", empty_label="rows of the same data, held back",
        help_text="Other data is used whole for testing; then no rows are held back.",
    )  # fmt: skip
    class_weight = forms.BooleanField(
        required=False, label="Weigh both outcomes alike", help_text="Helps where one outcome is rare."
    )
    gpu = forms.BooleanField(required=False, label="On a GPU", help_text="Networks only.")
    estimator = forms.ChoiceField(
        choices=[(each.name, each.label) for each in ESTIMATORS.values()], widget=forms.RadioSelect, label="What learns"
    )

    def __init__(self, *args, versions, **options):
        super().__init__(*args, **options)
        for name in ("dataset_version", "test_dataset_version"):
            self.fields[name].queryset = versions
            self.fields[name].label_from_instance = _described
        self.fields["inputs_sensitive"].help_text = "Your declared choice, shown wherever the model is judged."
        for knob in SHARED:
            self.fields[knob.name] = _field(knob)
        for estimator in ESTIMATORS.values():
            for knob in estimator.knobs:
                self.fields[f"{estimator.name}-{knob.name}"] = _field(knob)

    def clean(self):
        """What was typed for estimators that were not chosen does not matter."""
        chosen = self.cleaned_data.get("estimator", "")
        for name in [name for name in self.errors if "-" in name and not name.startswith(f"{chosen}-")]:
            del self._errors[name]
        return self.cleaned_data

    def choices(self):
        """(estimator, its radio, its bound fields): the page shows the fields of the one chosen."""
        radios = {radio.data["value"]: radio for radio in self["estimator"]}
        for estimator in ESTIMATORS.values():
            yield estimator, radios[estimator.name], [self[f"{estimator.name}-{knob.name}"] for knob in estimator.knobs]

    @property
    def recipe(self) -> dict:
        """What was typed, as the action takes it. A field left empty keeps its default."""
        data, name = self.cleaned_data, self.cleaned_data["estimator"]
        shared = {knob.name: data[knob.name] for knob in SHARED if data[knob.name] is not None}
        typed = {knob.name: data[f"{name}-{knob.name}"] for knob in ESTIMATORS[name].knobs}
        return shared | {
            "estimator": name,
            "inputs_sensitive": data["inputs_sensitive"],
            "class_weight": data["class_weight"],
            "hyper": {knob: value for knob, value in typed.items() if value not in (None, "")},
        }

    def blame(self, problems: dict[str, str]) -> None:
        """Put the action's objections where they were typed."""
        for name, sentence in problems.items():
            own = f"{self.cleaned_data.get('estimator')}-{name}"
            place = own if own in self.fields else name if name in self.fields else None
            self.add_error(place, sentence)


class Layers(forms.CharField):
    """Widths of layers, typed as “64, 32”."""

    def to_python(self, value):
        text = super().to_python(value)
        if not text:
            return None
        if not re.fullmatch(r"\s*\d{1,6}(\s*[,; ]\s*\d{1,6})*\s*", text):
            raise forms.ValidationError("Give whole numbers with commas between, such as 64, 32.")
        return [int(width) for width in re.findall(r"\d+", text)]


def _field(knob: Knob) -> forms.Field:
    common: dict = {"label": knob.label, "required": False, "help_text": _help(knob)}
    if knob.kind == "switch":
        return forms.BooleanField(**common, initial=knob.default)
    if knob.kind == "choice":
        return forms.ChoiceField(**common, initial=knob.default, choices=[(word, word) for word in knob.choices])
    if knob.kind == "layers":
        return Layers(**common, initial=", ".join(map(str, knob.default)))
    common |= {"initial": knob.default, "min_value": knob.low, "max_value": knob.high}
    if knob.kind == "integer":
        return forms.IntegerField(**common)
    return forms.FloatField(**common, widget=forms.NumberInput({"step": "any"}))


def _help(knob):
    bounds = f"{knob.low:,.10g} to {knob.high:,.10g}." if knob.kind in ("integer", "number") else ""
    return f"{knob.help} {bounds}".strip()


def _described(version) -> str:
    return f"{version}: {version.rows:,} rows, predicts {version.declaration['target']}"
