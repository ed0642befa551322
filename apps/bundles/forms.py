"""What people type to share with somebody outside."""

from django import forms


def _day(approval) -> str:
    """When it came to be what it is; an asked one is told from another of the same model by its day."""
    at = approval.decided_at or approval.requested_at
    return f"{at:%-d %b %Y, %H:%M} UTC"


class Sharing(forms.Form):
    addressee = forms.CharField(
        label="For whom",
        max_length=200,
        help_text="A person or firm, in words.",
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    until = forms.DateField(label="Until", widget=forms.DateInput({"type": "date"}), help_text="The last day, in UTC.")
    files = forms.BooleanField(
        label="With the models’ own files", required=False, help_text="Whoever holds the link can then run the models."
    )
    note = forms.CharField(
        label="Note to them",
        max_length=500,
        required=False,
        widget=forms.Textarea({"rows": 3}),
    )

    def __init__(self, *args, offered, chosen: list[int] = (), **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["approvals"] = forms.TypedMultipleChoiceField(
            label="Sign-offs",
            coerce=int,
            choices=[
                (one.pk, f"{one.model_version}, {one.project.name}: {one.get_state_display()}, {_day(one)}")
                for one in offered
            ],
            initial=list(chosen),
            widget=forms.CheckboxSelectMultiple,
            error_messages={"required": "Choose at least one."},
        )
        self.order_fields(["approvals", "addressee", "until", "files", "note"])
