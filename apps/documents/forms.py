"""What is typed when something is stated or withdrawn: the questions of a kind, each with its reference."""

from django import forms

from apps.documents import rules
from apps.documents.kinds import Kind
from apps.documents.models import DocumentKind

CHOICES = [(rules.GIVEN, "Answered below"), (rules.NOT_APPLICABLE, "Not applicable"), (rules.UNKNOWN, "Unknown")]


class Statement(forms.Form):
    """One text a question; of a datasheet, a choice beside it. What is wrong with them, the rules say."""

    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)
    valid_until = forms.DateField(
        label="Valid until",
        required=False,
        widget=forms.DateInput({"type": "date"}),
        help_text="The last day on which it may be relied on. Empty: until it is said anew or withdrawn.",
    )

    def __init__(self, *args, kind: Kind, **options):
        super().__init__(*args, **options)
        self.kind = kind
        for question in kind.questions:
            if kind.open_answers:
                choice = forms.ChoiceField(label=f"{question.title}: answer", choices=CHOICES, initial=rules.GIVEN)
                self.fields[f"{question.name}-answer"] = choice
            self.fields[question.name] = forms.CharField(
                label=question.title,
                help_text=f"{question.asks} ({question.reference})",
                required=False,
                widget=forms.Textarea({"rows": 2 if kind.open_answers else 4}),
            )
            self.fields[question.name].needed = question.needed and not kind.open_answers  # the rules ask for it

    @property
    def parts(self):
        """The questions under their headings: (heading, [(choice or None, text)])."""
        return [
            (part, [(self._choice(question), self[question.name]) for question in questions])
            for part, questions in self.kind.parts
        ]

    def _choice(self, question):
        return self[f"{question.name}-answer"] if self.kind.open_answers else None

    @property
    def answers(self) -> dict:
        given = self.cleaned_data
        return {
            question.name: {
                "answer": given.get(f"{question.name}-answer", rules.GIVEN),
                "text": given[question.name],
            }
            for question in self.kind.questions
            if question.name in given
        }


def filled(kind: Kind, answers: list[dict]) -> dict:
    """What an earlier statement said, to begin the next one with."""
    found = {}
    for given in answers:
        found[given["question"]] = given["text"]
        found[f"{given['question']}-answer"] = given["answer"]
    return found


class Withdrawal(forms.Form):
    reason = forms.CharField(max_length=1000, widget=forms.Textarea({"rows": 3}))


class Build(forms.Form):
    """Which document is built about a model version; of a bias audit, by which attributes."""

    kind = forms.ChoiceField(label="Document")
    sex = forms.ChoiceField(label="Attribute read as sex", required=False)
    race = forms.ChoiceField(label="Attribute read as race or ethnicity", required=False)

    def __init__(self, *args, version, **options):
        super().__init__(*args, **options)
        self.fields["kind"].choices = list(_documents_of(version)) if version else []
        names = rules.attributes_of(version) if version else []
        for which in ("sex", "race"):
            self.fields[which].choices = [("", "The one so called"), *((name, name) for name in names)]

    def build(self, action, version, *, by):
        """Calls the action with what was chosen: a datasheet is about one of the version's datasets."""
        kind, _, data = self.cleaned_data["kind"].partition(":")
        if data:
            chosen = {str(one.pk): one for one in _data_of(version)}
            return action(kind, dataset_version=chosen[data], by=by)
        given = {which: self.cleaned_data[which] for which in ("sex", "race")}
        return action(kind, model_version=version, by=by, **given)


def _documents_of(version):
    for kind in DocumentKind:
        if kind == DocumentKind.DATASHEET:
            yield from ((f"{kind}:{data.pk}", f"{kind.label} of {data}") for data in _data_of(version))
        else:
            yield kind.value, kind.label


def _data_of(version):
    """The data it learned from, and what it was tested on, where that is another."""
    data = [version.dataset_version, version.test_dataset_version]
    return list({one.pk: one for one in data if one is not None}.values())
