"""What people say of controls: facts, choices, judgements, times to keep things, holds."""

from django import forms

from apps.controls.catalogue import GATES, frameworks
from apps.controls.rules import FACTS, STATES
from apps.controls.rules.retention import KEPT, MOST

YES_NO = (("", "Unanswered"), ("yes", "Yes"), ("no", "No"))
OPEN = "open"  # what still asks for something: missing, stale, unanswered


class Filters(forms.Form):
    """Which clauses a page shows; an address can be kept and sent."""

    framework = forms.ChoiceField(
        required=False, choices=lambda: [("", "Every framework"), *((f.id, f.short) for f in frameworks().values())]
    )
    state = forms.ChoiceField(
        required=False,
        choices=[
            ("", "What is open"),
            ("all", "Every state"),
            *((word.value, word.capitalize()) for word in STATES),
        ],
    )
    due = forms.ChoiceField(
        required=False, choices=[("", "Due at any gate"), *((gate, f"Due {words}") for gate, words in GATES.items())]
    )
    kind = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    version = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)

    @property
    def chosen(self) -> dict:
        """What was chosen and can be read; a filter that cannot is taken as none."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}


class Facts(forms.Form):
    """Every fact may be left unanswered, and says so."""

    def __init__(self, *args, facts, **kwargs):
        super().__init__(*args, **kwargs)
        for fact in facts:
            self.fields[fact.name] = forms.ChoiceField(
                label=fact.text, help_text=fact.reference, choices=YES_NO, required=False, widget=forms.RadioSelect
            )

    @property
    def answers(self) -> dict[str, bool]:
        return {name: word == "yes" for name, word in self.cleaned_data.items() if word}


class Judging(forms.Form):
    adequate = forms.TypedChoiceField(
        label="Is this evidence good enough?",
        choices=(("yes", "Adequate"), ("no", "Not adequate")),
        coerce=lambda word: word == "yes",
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(
        max_length=4000,
        help_text="What you looked at and what you found. It stands beside the clause in every export.",
        widget=forms.Textarea({"rows": 3}),
    )
    evidence_digest = forms.CharField(max_length=64, widget=forms.HiddenInput)


class Choice(forms.Form):
    framework = forms.CharField(max_length=40, widget=forms.HiddenInput)
    followed = forms.TypedChoiceField(
        choices=(("yes", "Follow"), ("no", "Leave out")), coerce=lambda word: word == "yes", widget=forms.HiddenInput
    )
    reason = forms.CharField(label="Why it is left out", max_length=2000, required=False)


class Schedule(forms.Form):
    """Days for each kind of thing; empty: kept until somebody states a time."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for kind, (name, _) in KEPT.items():
            self.fields[kind] = forms.IntegerField(label=name, required=False, min_value=1, max_value=MOST)
        self.fields["maximum_personal"] = forms.IntegerField(
            label="Personal data, at most",
            required=False,
            min_value=1,
            max_value=MOST,
            help_text="The longest that personal data may be kept, in days (GDPR, Art. 5(1)(e)). It wins over longer.",
        )

    @property
    def told(self) -> dict:
        periods = {kind: self.cleaned_data[kind] for kind in KEPT if self.cleaned_data.get(kind)}
        return {"periods": periods, "maximum_personal": self.cleaned_data.get("maximum_personal")}


class Hold(forms.Form):
    project = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="The whole organization", label="What it covers",
        to_field_name="slug",
    )  # fmt: skip
    reason = forms.CharField(max_length=2000, widget=forms.Textarea({"rows": 2}))

    def __init__(self, *args, projects, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["project"].queryset = projects


class Release(forms.Form):
    reason = forms.CharField(max_length=2000, required=False, label="Why it may be released")


def as_words(stated: dict[str, bool]) -> dict[str, str]:
    return {name: "yes" if answer else "no" for name, answer in stated.items()}


def facts_asked(flags: dict) -> list:
    """The facts that can be so: those whose need is not answered no."""
    return [fact for fact in FACTS if not (fact.needs and flags.get(fact.needs) is False)]
