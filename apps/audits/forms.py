"""What may be asked of the record: its filters, the file it is taken away as, and a head from an earlier day."""

import re
from itertools import groupby

from django import forms

from apps.audits.chain import Head
from apps.audits.events import Event
from apps.audits.queries import PORTAL

FORMATS = {
    "csv": "CSV, for a spreadsheet",
    "jsonl": "JSON Lines, to recompute the chain",
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


class KnownHead(forms.Form):
    """A record's number and digest, kept from an earlier day: `7 4be1c0…`."""

    known = forms.CharField(
        label="A head you kept",
        required=False,
        help_text="A record’s number and its digest, such as 7 4be1c09a7f52… It shows whether the end was cut off.",
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_known(self) -> Head | None:
        text = self.cleaned_data["known"].strip().lower()
        if not text:
            return None
        found = re.fullmatch(r"([1-9][0-9]{0,17})[\s:,]+([0-9a-f]{64})", text)
        if not found:
            raise forms.ValidationError("Give the record’s number, a space and all 64 characters of its digest.")
        return Head(int(found[1]), found[2])
