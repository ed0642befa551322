"""The shape of what is typed when reports are asked for."""

from django import forms

from apps.reports.models import Kind
from apps.reports.rules import LIMITS, MOST_SEED, WORDS, name_of

LIMITED = {name: limit for limits in LIMITS.values() for name, limit in limits.items()}


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
