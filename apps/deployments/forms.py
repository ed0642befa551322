"""What people type about deployments."""

from django import forms

from apps.deployments.models import MOST_ROWS


class Opening(forms.Form):
    name = forms.SlugField(
        max_length=80,
        help_text="Small letters, digits and hyphens; programs know it by its number, people by this name.",
        widget=forms.TextInput({"autocomplete": "off"}),
        error_messages={"invalid": "Use letters, digits and hyphens only."},
    )

    rows = forms.IntegerField(
        label="Most rows in one request",
        min_value=1,
        max_value=MOST_ROWS,
        initial=MOST_ROWS,
        required=False,
        help_text=f"At most {MOST_ROWS:,}. It stands in every permit of this deployment, and cannot be changed later.",
    )
    requests_per_minute = forms.IntegerField(
        label="Most requests in a minute",
        min_value=1,
        max_value=1_000_000,
        required=False,
        help_text="Leave it empty for no limit.",
    )

    def clean_rows(self):
        return self.cleaned_data["rows"] or MOST_ROWS


class Reason(forms.Form):
    reason = forms.CharField(max_length=2000, widget=forms.Textarea({"rows": 3}))
