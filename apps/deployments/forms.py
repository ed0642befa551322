"""What people type about deployments."""

from django import forms


class Opening(forms.Form):
    name = forms.SlugField(
        max_length=80,
        help_text="Small letters, digits and hyphens; programs know it by its number, people by this name.",
        widget=forms.TextInput({"autocomplete": "off"}),
        error_messages={"invalid": "Use letters, digits and hyphens only."},
    )


class Reason(forms.Form):
    reason = forms.CharField(max_length=2000, widget=forms.Textarea({"rows": 3}))
