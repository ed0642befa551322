"""The shape of what is typed about models."""

from django import forms


class Retirement(forms.Form):
    reason = forms.CharField(
        label="Why it is retired",
        max_length=1000,
        help_text="It stands in the record, and on the page of this version.",
        widget=forms.Textarea({"rows": 3}),
    )
