"""What people type about policies and sign-offs."""

from datetime import UTC, date, datetime, time

from django import forms

from apps.accounts.forms import Reentry
from apps.approvals.gates.lines import LONGEST
from apps.approvals.gates.schema import MEANINGS
from apps.approvals.models import Consequence, Decision
from apps.reports.models import IN_OPERATION

REFUSALS = {
    Decision.RETURN: "I send it back: it may be asked for again once it is better",
    Decision.REJECT: "I reject it, finally: this model version never goes live",
}


ROWS = 5  # conditions that the page takes; a policy may allow more over REST


class PolicyText(forms.Form):
    source = forms.CharField(
        label="Policy, in YAML",
        max_length=LONGEST,
        strip=False,
        widget=forms.Textarea(
            {"rows": 32, "spellcheck": "false", "autocomplete": "off", "wrap": "off", "class": "mono"}
        ),
        error_messages={"required": "The policy is empty; begin with the built-in one."},
    )


class Question(forms.Form):
    note = forms.CharField(
        label="To the reviewers",
        required=False,
        max_length=2000,
        help_text="What has changed, and what they should look at first. It becomes part of the dossier.",
        widget=forms.Textarea({"rows": 3}),
    )


class Reason(forms.Form):
    reason = forms.CharField(max_length=2000, widget=forms.Textarea({"rows": 3}))


class Nothing(forms.Form):
    """A button alone."""


class Suspension(Reason):
    drill = forms.BooleanField(
        label="It is a drill", required=False, help_text="It stops what serves all the same, and shows that it does."
    )


class Operation(forms.Form):
    """Which rows from operation are measured, and of when they are."""

    dataset_version = forms.TypedChoiceField(
        label="Rows from operation",
        coerce=int,
        help_text="A declared dataset version of this project, with what came of each row. All its rows are measured.",
    )
    kinds = forms.MultipleChoiceField(
        label="Reports",
        choices=[(kind.value, kind.label) for kind in IN_OPERATION],
        initial=list(IN_OPERATION),
        widget=forms.CheckboxSelectMultiple,
    )
    since = forms.DateField(label="First day of the rows", required=False, widget=forms.DateInput({"type": "date"}))
    until = forms.DateField(label="Last day of the rows", required=False, widget=forms.DateInput({"type": "date"}))

    def __init__(self, *args, versions, **options):
        super().__init__(*args, **options)
        self.fields["dataset_version"].choices = [(version.pk, str(version)) for version in versions]


class Telling(forms.Form):
    who = forms.CharField(max_length=200, help_text="A person, a deployer or an authority.")
    how = forms.CharField(max_length=200, help_text="By letter, telephone or mail; where the proof of it is.")


class Fulfilment(forms.Form):
    condition = forms.IntegerField(min_value=1, max_value=999, widget=forms.HiddenInput)
    evidence = forms.CharField(
        label="What shows it",
        max_length=2000,
        help_text="Where the evidence is, and its digest if it is a file.",
        widget=forms.Textarea({"rows": 2}),
    )


class Confirmation(forms.Form):
    condition = forms.IntegerField(min_value=1, max_value=999, widget=forms.HiddenInput)


class Delegation(Reentry):
    """To whom, for what, from when until when; signed like everything that binds."""

    delegate = forms.TypedChoiceField(label="Who stands in for you", coerce=int)
    project = forms.TypedChoiceField(label="In which project", coerce=int, required=False, empty_value=None)
    starts_on = forms.DateField(label="From", widget=forms.DateInput({"type": "date"}))
    ends_on = forms.DateField(label="To the end of", widget=forms.DateInput({"type": "date"}))
    reason = forms.CharField(label="Reason", max_length=2000, widget=forms.Textarea({"rows": 2}))

    field_order = ("delegate", "project", "starts_on", "ends_on", "reason")

    def __init__(self, *args, people, projects, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["delegate"].choices = [(one.pk, f"{one.user} ({one.get_role_display()})") for one in people]
        self.fields["project"].choices = [("", "every project"), *((one.pk, one.name) for one in projects)]

    @property
    def given(self) -> dict:
        """What the action takes: whole days in UTC."""
        given = dict(self.cleaned_data)
        given["starts_at"], given["ends_at"] = midnight(given.pop("starts_on")), last_moment(given.pop("ends_on"))
        return given


def midnight(day: date) -> datetime:
    """The beginning of a day, in UTC."""
    return datetime.combine(day, time.min, UTC)


class Signature(Reentry):
    """One decision: a meaning the policy still waits for, or one of two refusals."""

    choice = forms.ChoiceField(
        label="What your name is to mean",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what your name is to mean."},
    )
    reason = forms.CharField(
        label="Reason",
        max_length=2000,
        help_text="In your own words: what convinced you, or what is missing.",
        widget=forms.Textarea({"rows": 3}),
        error_messages={"required": "A signature gives its reason."},
    )
    dossier_digest = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(self, *args, meanings: list[str], conditions: int = 0, **kwargs):
        owners, figures = kwargs.pop("owners", ()), kwargs.pop("figures", ())
        super().__init__(*args, **kwargs)
        posted = self.data if self.is_bound else None
        self.conditions = [
            Condition(posted, prefix=f"condition-{place}", owners=owners, figures=figures)
            for place in range(1, min(conditions, ROWS) + 1)
        ]
        offered = [(meaning, MEANINGS[meaning]) for meaning in dict.fromkeys(meanings)]
        self.fields["choice"].choices = [*offered, *REFUSALS.items()]

    def clean(self):
        given = super().clean()
        if [condition for condition in self.conditions if condition.errors]:  # each says what it lacks
            self.add_error(None, "A condition is not whole; what is missing stands beside it.")
        return given

    @property
    def given(self) -> dict:
        """What the action that was chosen takes; `decision` names that action."""
        given = dict(self.cleaned_data)
        choice = given.pop("choice")
        if conditions := [condition.given for condition in self.conditions if condition.given]:
            given["conditions"] = conditions
        if choice in REFUSALS:
            return {**given, "decision": Decision(choice)}
        return {**given, "decision": Decision.SIGN, "meaning": choice}


class Condition(forms.Form):
    """One condition of a signature: somebody fulfils it, or the portal checks a figure. Left empty, there is none."""

    text = forms.CharField(
        label="On the condition that", required=False, max_length=500, widget=forms.Textarea({"rows": 2})
    )
    owner = forms.TypedChoiceField(label="Who answers for it", coerce=int, required=False, empty_value=None)
    figure = forms.TypedChoiceField(
        label="Or a figure the portal checks",
        coerce=int,
        required=False,
        empty_value=None,
        help_text="On the cautious end of its interval, once it is measured.",
    )
    limit = forms.FloatField(label="Its threshold", required=False, widget=forms.NumberInput({"step": "any"}))
    due_on = forms.DateField(label="By the end of", required=False, widget=forms.DateInput({"type": "date"}))
    consequence = forms.ChoiceField(
        label="If it is not met by then", required=False, choices=Consequence.choices, initial=Consequence.BLOCK
    )

    def __init__(self, *args, owners, figures, **kwargs):
        """`figures`: (sentence, check without its threshold, direction) of what could still be measured."""
        super().__init__(*args, **kwargs)
        self.figures = figures
        self.fields["owner"].choices = [("", "choose"), *((one.pk, str(one.user)) for one in owners)]
        self.fields["figure"].choices = [("", "none"), *((place, said) for place, (said, *_) in enumerate(figures))]
        if not figures:
            del self.fields["figure"], self.fields["limit"]

    def clean(self):
        given = super().clean()
        told = {name: given.get(name) not in (None, "") for name in self.fields if name != "consequence"}
        if not any(told.values()):
            return given
        if not told["text"]:
            self.add_error("text", "Say what the condition is.")
        if not told["owner"] and not told.get("figure"):
            self.add_error("owner", "A condition names who answers for it, and by when.")
        if told["owner"] and told.get("figure"):
            self.add_error("owner", "Either somebody answers for it or the portal checks a figure.")
        if told.get("figure", False) != told.get("limit", False):
            self.add_error("limit", "A figure and its threshold go together.")
        if not told["due_on"]:
            self.add_error("due_on", "Name the day by which it is met.")
        return given

    @property
    def given(self) -> dict | None:
        """What the action takes; None: nothing was written here."""
        typed = self.cleaned_data
        if not typed["text"]:
            return None
        said = {"text": typed["text"], "due_at": last_moment(typed["due_on"]), "consequence": typed["consequence"]}
        if typed.get("figure") is None:
            return said | {"owner": typed["owner"]}
        _, check, direction = self.figures[typed["figure"]]
        return said | {"check": check | {direction: typed["limit"]}}


class WaiverRequest(forms.Form):
    """A rule to be set aside: why, at what risk, what is done instead, and until when."""

    rule = forms.TypedChoiceField(label="Rule", coerce=int)
    model_version = forms.TypedChoiceField(
        label="For",
        coerce=int,
        required=False,
        empty_value=None,
        help_text="One model version, or the whole project.",
    )
    reason = forms.CharField(label="Why it cannot be kept now", max_length=2000, widget=forms.Textarea({"rows": 3}))
    risk = forms.CharField(label="What may go wrong", max_length=2000, widget=forms.Textarea({"rows": 3}))
    measure = forms.CharField(label="What is done instead", max_length=2000, widget=forms.Textarea({"rows": 3}))
    monitoring = forms.CharField(
        label="How it is watched meanwhile",
        max_length=2000,
        help_text="Who looks at what, how often, and what makes you end it.",
        widget=forms.Textarea({"rows": 3}),
    )
    plan = forms.CharField(label="How the rule will be kept again", max_length=2000, widget=forms.Textarea({"rows": 3}))
    owner = forms.TypedChoiceField(
        label="Owner", coerce=int, help_text="Who answers for it: not you, and not who approves it."
    )
    ends_on = forms.DateField(
        label="Last day",
        help_text="In UTC; at most 90 days from now. It may be renewed once.",
        widget=forms.DateInput({"type": "date"}),
    )

    def __init__(self, *args, policy_rules, versions, owners, **kwargs):
        super().__init__(*args, **kwargs)
        named = [(place, f"{place}. {rule.sentence()}") for place, rule in enumerate(policy_rules, 1) if rule.waivable]
        self.fields["rule"].choices = named
        self.versions = {version.pk: version for version in versions}
        self.fields["model_version"].choices = [
            ("", "The whole project"),
            *((pk, str(version)) for pk, version in self.versions.items()),
        ]
        self.fields["owner"].choices = [(member.pk, str(member)) for member in owners]

    def given(self, members) -> dict:
        """What the action takes."""
        given = dict(self.cleaned_data)
        return given | {
            "owner": next(member for member in members if member.pk == given["owner"]),
            "model_version": self.versions.get(given["model_version"]),
            "ends_at": last_moment(given.pop("ends_on")),
        }


class Renewal(forms.Form):
    reason = forms.CharField(label="Why once more", max_length=2000, widget=forms.Textarea({"rows": 3}))
    ends_on = forms.DateField(label="Last day", widget=forms.DateInput({"type": "date"}))


def last_moment(day: date) -> datetime:
    """The end of a day, in UTC."""
    return datetime.combine(day, time(23, 59, 59), UTC)
