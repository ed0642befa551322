"""What people type about incidents. Moments are UTC, and say so."""

from django import forms

from apps.accounts.forms import Reentry
from apps.incidents import rules
from apps.incidents.models import Duty, Severity

YES_NO = (("yes", "Yes"), ("no", "No"))
MOMENT = "%Y-%m-%dT%H:%M:%S"
HELP = {
    "source": "A complaint, a measurement, a call: where it came from.",
    "data_reported": "Which figures, files or cases; facts alone, and nobody’s name.",
    "description": "Facts alone. What is not known yet is said as not known, and added later.",
    "impacts": "Harm that was done, and harm that may follow.",
    "stakeholders": "Groups and their number, never names.",
}


def moment(label: str, help_text: str = "") -> forms.DateTimeField:
    widget = forms.DateTimeInput({"type": "datetime-local", "step": "1"}, format=MOMENT)
    return forms.DateTimeField(label=f"{label} (UTC)", help_text=help_text, widget=widget)


def yes_or_no(asks: str, where: str) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=asks, help_text=where, choices=YES_NO, coerce=lambda word: word == "yes", widget=forms.RadioSelect,
        error_messages={"required": "Answer it: no answer is assumed, and a clock may hang on it."},
    )  # fmt: skip


class Facts(forms.Form):
    """Everything that is known. Each question is answered: no answer is assumed."""

    model_versions = forms.TypedMultipleChoiceField(
        label="Which model versions it affects",
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Name at least one."},
    )
    severity = forms.ChoiceField(label="How severe", choices=Severity.choices, initial=Severity.MODERATE)
    occurred_at = moment("When it happened")
    aware_at = moment("When somebody here became aware of it", "Every clock counts from here.")

    def __init__(self, *args, versions, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["model_versions"].choices = [(one.pk, str(one)) for one in versions]
        for name, (label, most) in rules.WORDS.items():
            widget = forms.TextInput() if name == "source" else forms.Textarea({"rows": 3})
            self.fields[name] = forms.CharField(label=label, max_length=most, help_text=HELP[name], widget=widget)
        for name, (asks, where) in rules.FLAGS.items():
            self.fields[name] = yes_or_no(asks, where)

    @property
    def chosen(self) -> list[int]:
        return self.cleaned_data["model_versions"]

    @property
    def facts(self) -> dict:
        return {name: value for name, value in self.cleaned_data.items() if name != "model_versions"}

    def groups(self):
        """The fields by subject: (subject, bound fields)."""
        named = {
            "What it is": ["title", "reason", "model_versions", "severity", "occurred_at", "aware_at"],
            "What is known": [*rules.WORDS],
            "Is it serious?": [*rules.QUESTIONS],
            "Who else must be told, and how soon?": [*rules.MORE],
            "What to do at once": ["suspend"],
        }
        for subject, names in named.items():
            if found := [self[name] for name in names if name in self.fields]:
                yield subject, found


class Report(Facts):
    title = forms.CharField(label="In a line, what happened", max_length=200)
    suspend = forms.BooleanField(
        label="Suspend the sign-offs of these model versions now",
        required=False,
        help_text="They serve no more, within seconds. The evidence stays as it is.",
    )


class Amendment(Facts):
    entry_digest = forms.CharField(max_length=64, widget=forms.HiddenInput)  # of the entry that it began with
    reason = forms.CharField(
        label="What is new, and how it became known", max_length=2000, widget=forms.Textarea({"rows": 2})
    )


def as_typed(entry) -> dict:
    """An entry as an amendment's form begins."""
    words = {name: getattr(entry, name) for name in rules.WORDS}
    flags = {name: "yes" if getattr(entry, name) else "no" for name in rules.FLAGS}
    moments = {"occurred_at": entry.occurred_at, "aware_at": entry.aware_at}
    return {**words, **flags, **moments, "severity": entry.severity, "model_versions": entry.versions}


class Notice(forms.Form):
    duty = forms.ChoiceField(label="Who was told")
    stage = forms.ChoiceField(label="With what")
    who = forms.CharField(label="Name of who was told", max_length=200, help_text="The authority, company or office.")
    how = forms.CharField(label="Through what", max_length=200, help_text="A form, letter or mail; where the proof is.")
    reference = forms.CharField(label="Their reference", max_length=200, required=False)
    told_at = moment("When")
    note = forms.CharField(
        label="Why it is late, not required, or could not be done",
        max_length=2000,
        required=False,
        widget=forms.Textarea({"rows": 2}),
    )

    def __init__(self, *args, clocks, **kwargs):
        super().__init__(*args, **kwargs)
        open_ones = [clock for clock in clocks if not clock.final]
        self.fields["duty"].choices = [(clock.duty.value, Duty(clock.duty).label) for clock in open_ones]
        offered = {stage: None for clock in open_ones for stage in sorted(rules.STAGES[clock.duty])}
        self.fields["stage"].choices = [(stage.value, stage.label) for stage in offered]


class Signed(Reentry):
    """What a signature asks for beside what it says. The page carries the digest of the entry that it shows."""

    entry_digest = forms.CharField(max_length=64, widget=forms.HiddenInput)

    @property
    def said(self) -> list[forms.BoundField]:
        """The fields that say something."""
        return [self[name] for name in self.fields if name not in ("password", "code", "passkey", "entry_digest")]


class Release(Signed):
    reason = forms.CharField(label="Why it may be released", max_length=2000, widget=forms.Textarea({"rows": 2}))


class Closing(Signed):
    root_cause = forms.CharField(label="Root cause", max_length=4000, widget=forms.Textarea({"rows": 2}))
    corrective_action = forms.CharField(label="Corrective action", max_length=4000, widget=forms.Textarea({"rows": 2}))
    verification = forms.CharField(label="How it was verified", max_length=4000, widget=forms.Textarea({"rows": 2}))
    hazards = forms.CharField(
        label="Which hazards it opened again",
        max_length=4000,
        help_text="Of the impact assessment of risks; of a serious incident it is stated anew first.",
        widget=forms.Textarea({"rows": 2}),
    )


class Confirmation(forms.Form):
    note = forms.CharField(label="Note", required=False, max_length=1000, help_text="Where you looked; nobody’s name.")
