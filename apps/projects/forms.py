"""What people say of a project: its purpose, who answers for it, and the questions that decide its class."""

from itertools import groupby

from django import forms

from apps.projects import rules
from apps.projects.models import RiskClass

YES_NO = (("yes", "Yes"), ("no", "No"))


class Purpose(forms.Form):
    name = forms.CharField(max_length=120, widget=forms.TextInput({"autocomplete": "off"}))
    purpose = forms.CharField(
        max_length=4000,
        help_text="What is decided, about whom, by whom, and what the model's answer changes. Reviewers judge by this.",
        widget=forms.Textarea({"rows": 5}),
    )
    owner: forms.ModelChoiceField = forms.ModelChoiceField(
        queryset=None, empty_label=None, help_text="Who answers for it. An owner of a project need not build in it."
    )

    def __init__(self, *args, owners, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = owners


class Stake(forms.Form):
    """Every question must be answered: no answer is assumed."""

    risk_class = forms.ChoiceField(
        label="Raise the class",
        required=False,
        choices=[
            ("", "As the answers say"),
            *[(c.value, f"At least {c.label.lower()}") for c in (RiskClass.LIMITED, RiskClass.HIGH)],
        ],
        help_text="You may ask more of this project than the answers do, never less.",
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for question in rules.QUESTIONS:
            self.fields[question.name] = forms.TypedChoiceField(
                label=question.text,
                help_text=question.reference,
                choices=YES_NO,
                coerce=lambda word: word == "yes",
                widget=forms.RadioSelect,
                error_messages={"required": rules.UNANSWERED},
            )

    def clean(self):
        answers = self.answers
        if len(answers) == len(rules.NAMES):
            for name, sentence in rules.problems(answers, self.cleaned_data.get("risk_class", "")).items():
                self.add_error(name, sentence)
        return self.cleaned_data

    @property
    def answers(self) -> dict[str, bool]:
        """Those given so far, of a bound form that was cleaned."""
        return {name: self.cleaned_data[name] for name in rules.NAMES if name in self.cleaned_data}

    def groups(self):
        """The questions by subject: (subject, bound fields)."""
        for subject, questions in groupby(rules.QUESTIONS, key=lambda question: question.group):
            yield subject, [self[question.name] for question in questions]


class NewProject(Purpose, Stake):
    pass


class Seen(forms.Form):
    """When what the page showed was last changed, so that a page that has grown old is noticed."""

    seen = forms.DateTimeField(required=False, widget=forms.HiddenInput)


class ChangedPurpose(Purpose, Seen):
    pass


class ChangedStake(Stake, Seen):
    pass


class Closing(forms.Form):
    reason = forms.CharField(
        label="Why it is closed",
        max_length=1000,
        help_text="It stands in the record.",
        widget=forms.Textarea({"rows": 3}),
    )


def as_words(answers: dict[str, bool]) -> dict[str, str]:
    """Answers as the radios know them."""
    return {name: "yes" if answer else "no" for name, answer in answers.items()}


def so_far(data) -> dict[str, bool]:
    """The answers among what was sent, whatever else is missing."""
    return {name: data[name] == "yes" for name in rules.NAMES if data.get(name) in dict(YES_NO)}
