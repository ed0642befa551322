"""What people type about policies and sign-offs."""

from django import forms

from apps.approvals.gates.lines import LONGEST
from apps.approvals.gates.schema import MEANINGS
from apps.approvals.models import Decision

REFUSALS = {
    Decision.RETURN: "I send it back: it may be asked for again once it is better",
    Decision.REJECT: "I reject it, finally: this model version never goes live",
}


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


class Signature(forms.Form):
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
    password = forms.CharField(
        label="Your password",
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
        error_messages={"required": "A signature asks for your password again."},
    )
    dossier_digest = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(self, *args, meanings: list[str], **kwargs):
        super().__init__(*args, **kwargs)
        offered = [(meaning, MEANINGS[meaning]) for meaning in dict.fromkeys(meanings)]
        self.fields["choice"].choices = [*offered, *REFUSALS.items()]

    @property
    def given(self) -> dict:
        """What the action that was chosen takes; `decision` names that action."""
        given = dict(self.cleaned_data)
        choice = given.pop("choice")
        if choice in REFUSALS:
            return {**given, "decision": Decision(choice)}
        return {**given, "decision": Decision.SIGN, "meaning": choice}
