"""What may be asked of the record: its filters, the file it is taken away as, a checkpoint from an earlier day."""

from itertools import groupby

from django import forms

from apps.audits.events import OUTCOMES, Event
from apps.audits.queries import PORTAL

FORMATS = {
    "csv": "CSV, for a spreadsheet",
    "jsonl": "JSON Lines, to recompute the tree",
    "pdf": "PDF, to read and file",
}
LARGEST = 2**63 - 1


def events_by_noun() -> list[tuple[str, list[tuple[str, str]]]]:
    """Every event, grouped by the noun its name begins with."""
    grouped = groupby(Event.choices, key=lambda choice: choice[0].split(".")[0])
    return [(noun.capitalize(), list(choices)) for noun, choices in grouped]


class Filters(forms.Form):
    """`chosen` holds the filters of `queries.records` that were given."""

    person = forms.TypedChoiceField(required=False, coerce=int, empty_value=None)
    verb = forms.ChoiceField(label="What", required=False, choices=[("", "anything"), *events_by_noun()])
    thing = forms.CharField(label="Thing’s name", required=False, max_length=200)
    project = forms.SlugField(required=False, max_length=60)
    outcome = forms.ChoiceField(label="How it came out", required=False, choices=[("", "any way"), *OUTCOMES.items()])
    request = forms.RegexField(r"^[0-9a-f]{16}$", label="Request", required=False)
    since = forms.DateField(label="From day", required=False, widget=forms.DateInput({"type": "date"}))
    until = forms.DateField(label="To day", required=False, widget=forms.DateInput({"type": "date"}))
    on = forms.RegexField(r"^[a-z]{1,40}:[0-9]{1,18}$", required=False, widget=forms.HiddenInput)

    def __init__(self, data=None, *, people):
        super().__init__(data)
        who = [(number, name) for number, name in people]
        self.fields["person"].choices = [("", "anybody"), *who, (PORTAL, "the portal itself")]

    @property
    def chosen(self) -> dict:
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}

    def clean_on(self) -> tuple[str, int] | None:
        kind, _, number = self.cleaned_data["on"].partition(":")
        return (kind, int(number)) if kind else None


class Export(Filters):
    format = forms.ChoiceField(choices=FORMATS.items())
    first = forms.IntegerField(required=False, min_value=1, max_value=LARGEST)


class Witness(forms.Form):
    kind = forms.ChoiceField(choices=[("mailbox", "a mailbox"), ("http", "an HTTP witness (C2SP tlog-witness)")])
    name = forms.CharField(required=False, max_length=120, help_text="What you call it.")
    address = forms.CharField(
        max_length=500, help_text="A mailbox, or the https:// prefix to which the portal adds /add-checkpoint."
    )
    key = forms.CharField(
        label="Verifier key",
        required=False,
        max_length=500,
        help_text="Of an HTTP witness: name+hash+key, as it publishes it. Its cosignatures are checked with it.",
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )


class Verification(forms.Form):
    """A checkpoint kept from an earlier day, as its whole text."""

    checkpoint = forms.CharField(
        label="A checkpoint you kept",
        required=False,
        max_length=20_000,
        help_text="The whole text, from the log’s name to the signature. With it you see whether the past was"
        " rewritten or the end cut off, even by somebody who owns the database.",
        widget=forms.Textarea({"rows": 6, "autocomplete": "off", "spellcheck": "false"}),
    )
    new = forms.BooleanField(label="Go on from the last checkpoint, rather than from the first record", required=False)
