"""The shape of what is typed about data: an upload, what its columns mean, why it is withdrawn."""

from django import forms

from apps.common.delimited import DELIMITERS, ENCODINGS, QUOTES
from apps.datasets import rules

FIND = "find"
ROLES = (("input", "Learn from it"), ("sensitive", "Sensitive"), ("left_out", "Leave out"))
COMBINED = 2  # attributes that can be combined from flags on the page; over REST there may be more
FLAGS = 4


class Upload(forms.Form):
    """The file comes last, so that everything typed before it arrives whatever becomes of the file."""

    name = forms.CharField(
        max_length=rules.LONGEST_NAME,
        help_text="The same name again makes the next version of the same data.",
        widget=forms.TextInput({"autocomplete": "off", "list": "names"}),
    )
    encoding = forms.ChoiceField(required=False, choices=[("", "Find it"), *ENCODINGS.items()])
    delimiter = forms.ChoiceField(
        required=False,
        choices=[("", "Find it"), *((mark, name.capitalize()) for mark, name in DELIMITERS.items())],
    )
    quote = forms.ChoiceField(
        label="Quoting",
        required=False,
        initial=FIND,
        choices=[(FIND, "Find it"), *((mark or "none", name.capitalize()) for mark, name in QUOTES.items())],
    )
    file = forms.FileField(
        label="CSV or Parquet file",
        help_text="A header row with the names of the columns, then one row for each person or case.",
        allow_empty_file=True,  # the action says what is wrong with it
        widget=forms.FileInput({"accept": ".csv,.tsv,.txt,.parquet,.pq,text/csv"}),
    )

    def clean_delimiter(self):
        return self.data.get("delimiter", "")  # a tab or a blank is a choice too, and must not be stripped

    def clean_quote(self):
        return {FIND: None, "": None, "none": ""}.get(self.cleaned_data["quote"], self.cleaned_data["quote"])


class Budget(forms.Form):
    cap = forms.FloatField(
        label="Most ε that all runs may spend together",
        required=False,
        help_text="Once it is set, only private networks with a target ε may learn from this data. Empty: no limit.",
    )


class Reason(forms.Form):
    reason = forms.CharField(
        label="Why it is withdrawn",
        max_length=1000,
        help_text="It stands in the record, and on this page.",
        widget=forms.Textarea({"rows": 3}),
    )


class Declaration(forms.Form):
    """What the columns mean. One role for each column, and attributes combined from several flags."""

    target = forms.ChoiceField(label="Target: the column to predict")
    favourable = forms.CharField(
        label="Favourable value",
        max_length=200,
        help_text="The value of the target that is good for the person: the loan granted, the debt not in default.",
        widget=forms.TextInput({"autocomplete": "off", "list": "values-of-target"}),
    )
    markers = forms.MultipleChoiceField(
        label="Suspected marks of missing values", required=False, widget=forms.CheckboxSelectMultiple
    )
    missing = forms.CharField(
        label="Other marks of missing values",
        required=False,
        help_text="One on each line, such as ? or 999. Empty cells are always missing.",
        widget=forms.Textarea({"rows": 2}),
    )

    def __init__(self, *args, columns, hints, **options):
        super().__init__(*args, **options)
        self.columns, self.hints = columns, hints
        self.fields["target"].choices = [("", "Choose a column"), *((name, name) for name in columns)]
        self.fields["markers"].choices = [(marker, words) for marker, words, _ in hints.markers]
        self.initial.setdefault("markers", [marker for marker, _, likely in hints.markers if likely])
        if not hints.markers:
            del self.fields["markers"]
        for place, name in enumerate(columns):
            self._add_column(place, name)
        for block in range(COMBINED):
            self._add_combined(block)

    def _add_column(self, place, name):
        self.fields[f"role_{place}"] = forms.ChoiceField(
            label=f"Role of {name}",
            required=False,
            choices=ROLES,
            initial="left_out" if name in self.hints.leave_out else "input",
        )
        self.fields[f"cuts_{place}"] = forms.CharField(
            label=f"Ranges of {name}",
            required=False,
            max_length=200,
            widget=forms.TextInput({"placeholder": "25, 60", "inputmode": "text", "autocomplete": "off"}),
        )

    def _add_combined(self, block):
        columns = [("", "no column"), *((name, name) for name in self.columns)]
        self.fields[f"combined_{block}"] = forms.CharField(
            label="Name of the attribute", required=False, max_length=rules.LONGEST_NAME
        )
        self.fields[f"otherwise_{block}"] = forms.CharField(
            label="Label where none is set", required=False, max_length=rules.LONGEST_NAME
        )
        for turn in range(FLAGS):
            self.fields[f"flag_{block}_{turn}"] = forms.ChoiceField(
                label=f"Column {turn + 1}", required=False, choices=columns
            )
            self.fields[f"label_{block}_{turn}"] = forms.CharField(
                label=f"Label {turn + 1}", required=False, max_length=rules.LONGEST_NAME
            )

    def rows(self):
        """For the page: each column with its place, hint and the two fields that say its role."""
        for place, name in enumerate(self.columns):
            yield name, self.hints.of(name), self[f"role_{place}"], self[f"cuts_{place}"]

    def combined(self):
        """For the page: name, otherwise, and (flag, label) pairs of each attribute combined from flags."""
        for block in range(COMBINED):
            pairs = [(self[f"flag_{block}_{turn}"], self[f"label_{block}_{turn}"]) for turn in range(FLAGS)]
            yield self[f"combined_{block}"], self[f"otherwise_{block}"], pairs

    @property
    def combined_is_used(self) -> bool:
        return any(bool(name.value()) for name, _, _ in self.combined())

    def clean(self):
        for place, name in enumerate(self.columns):
            cuts = self.cleaned_data.get(f"cuts_{place}", "")
            if cuts and _numbers(cuts) is None:
                self.add_error(f"cuts_{place}", f"The ranges of “{name}” are cut at numbers, such as 25, 60.")
        return self.cleaned_data

    @property
    def declaration(self) -> dict:
        """What was typed, as the action takes it."""
        given = self.cleaned_data
        target = given["target"]
        roles = {name: given[f"role_{place}"] for place, name in enumerate(self.columns) if name != target}
        sensitive = [
            _attribute(name, given[f"cuts_{place}"])
            for place, name in enumerate(self.columns)
            if roles.get(name) == "sensitive"
        ]
        typed = [line.strip() for line in given["missing"].splitlines() if line.strip()]
        return {
            "target": target,
            "favourable": given["favourable"],
            "sensitive": [*sensitive, *self._combined_attributes()],
            "left_out": [name for name, role in roles.items() if role == "left_out"],
            "missing": list(dict.fromkeys([*given.get("markers", []), *typed])),
        }

    def _combined_attributes(self):
        given = self.cleaned_data
        for block in range(COMBINED):
            pairs = [(given[f"flag_{block}_{turn}"], given[f"label_{block}_{turn}"]) for turn in range(FLAGS)]
            pairs = [(column, label) for column, label in pairs if column or label]
            if given[f"combined_{block}"] or pairs:
                yield {
                    "name": given[f"combined_{block}"],
                    "kind": "flags",
                    "flags": [list(pair) for pair in pairs],
                    "otherwise": given[f"otherwise_{block}"],
                }


def _attribute(name: str, cuts: str) -> dict:
    if cuts:
        return {"name": name, "kind": "cuts", "column": name, "cuts": _numbers(cuts)}
    return {"name": name, "kind": "column", "column": name}


def _numbers(text: str) -> list[float] | None:
    """“25, 60” as numbers, or None."""
    try:
        return [float(part) for part in text.replace(";", ",").split(",") if part.strip()]
    except ValueError:
        return None
