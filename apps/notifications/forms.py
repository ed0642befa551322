"""What people type about a destination."""

from django import forms

from apps.audits.forms import LARGEST, events_by_noun
from apps.notifications.models import Kind


class Changed(forms.Form):
    """What of a destination may change."""

    name = forms.CharField(
        max_length=120, help_text="What you call it.", widget=forms.TextInput({"autocomplete": "off"})
    )
    events = forms.MultipleChoiceField(
        required=False,
        choices=events_by_noun,
        help_text="Which it is sent. Choose none for all of them.",
        widget=forms.SelectMultiple({"size": 9}),
    )


class Token(forms.Form):
    token = forms.CharField(
        required=False,
        max_length=1000,
        help_text="Of a SIEM: sent as “Authorization: Bearer …”, kept sealed and never shown again. The portal makes a"
        " webhook’s secret itself.",
        widget=forms.PasswordInput({"autocomplete": "off", "spellcheck": "false"}),
    )


class Made(Changed, Token):
    kind = forms.ChoiceField(choices=Kind.choices, widget=forms.RadioSelect)
    address = forms.CharField(
        max_length=500,
        help_text="It begins with https://, and is sent one POST a message.",
        widget=forms.URLInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    after = forms.IntegerField(
        label="Begin after record",
        required=False,
        min_value=0,
        max_value=LARGEST,
        help_text="0 sends the whole record; empty, what happens from now on.",
    )
    field_order = ["kind", "name", "address", "token", "events", "after"]
