"""What people type about people: invitations, roles, tokens and names."""

from allauth.account import forms as account
from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.internal.flows import check_rate_limit
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AuthenticateWebAuthnForm
from django import forms
from django.conf import settings
from django.contrib.auth import password_validation

from apps.accounts import actions, passkeys, rules
from apps.accounts.models import Role, User
from apps.accounts.permissions import IN_EMERGENCY, Permission
from apps.common.errors import BadInput, NotProved

ROLES_IN_WORDS = {
    Role.OWNER: "Owner: people, policies, keys; neither builds nor signs",
    Role.BUILDER: "Builder: data, training, reports; asks for sign-off",
    Role.REVIEWER: "Reviewer: challenges, signs, sends back, revokes",
    Role.AUDITOR: "Auditor: reads and exports everything, changes nothing",
}


class Printed(forms.CharField):
    """A name as it is printed under a signature."""

    def __init__(self):
        super().__init__(
            label="Printed name",
            max_length=120,
            help_text="Your full name, as it is to stand under what you sign.",
            widget=forms.TextInput({"autocomplete": "name"}),
        )


class Invitation(forms.Form):
    email = forms.EmailField(
        label="Email address", max_length=254, widget=forms.EmailInput({"autocomplete": "off", "autofocus": True})
    )
    role = forms.ChoiceField(choices=ROLES_IN_WORDS.items(), widget=forms.RadioSelect)


class RoleOf(forms.Form):
    role = forms.ChoiceField(choices=ROLES_IN_WORDS.items(), widget=forms.RadioSelect)


class Erasure(forms.Form):
    reason = forms.CharField(
        max_length=500,
        help_text="Such as a request of the person. It stands in the record: do not name them here.",
        widget=forms.TextInput({"autocomplete": "off"}),
    )


class Newcomer(forms.Form):
    """A person's name and password, as they come for the first time; the address is the invitation's."""

    name = Printed()
    password = forms.CharField(
        strip=False,
        help_text="At least 12 characters; a sentence is easy to remember.",
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )

    def __init__(self, *args, email: str, **kwargs):
        super().__init__(*args, **kwargs)
        self.email = email

    def clean_password(self):
        password = self.cleaned_data["password"]
        password_validation.validate_password(password, User(email=self.email, name=self.cleaned_data.get("name", "")))
        return password


class Profile(forms.Form):
    name = Printed()


class NewToken(forms.Form):
    name = forms.CharField(
        max_length=80,
        help_text="What uses it, such as “nightly training” or “MLflow on build-7”.",
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    days = forms.IntegerField(
        label="Expires after, in days",
        min_value=1,
        max_value=rules.TOKEN_DAYS_MOST,
        initial=rules.TOKEN_DAYS,
        help_text=f"At most {rules.TOKEN_DAYS_MOST}.",
    )

    def __init__(self, *args, scopes: list[Permission], **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["scopes"] = forms.MultipleChoiceField(
            label="It may",
            choices=[(word.value, word.label) for word in scopes],
            initial=[Permission.READ.value],
            help_text="You can give away only what you may do yourself. Nearly every program needs the first.",
            widget=forms.CheckboxSelectMultiple,
            error_messages={"required": "Choose at least one thing this token may do."},
        )
        self.order_fields(["name", "scopes", "days"])


class Emergency(forms.Form):
    reason = forms.CharField(
        label="What has happened",
        max_length=2000,
        help_text="Whoever agrees decides by this; whoever reviews it afterwards reads it again.",
        widget=forms.Textarea({"rows": 3}),
    )
    words = forms.MultipleChoiceField(
        label="You need to",
        choices=[(word.value, word.label) for word in IN_EMERGENCY],
        help_text="Only what is needed. Signing is never given.",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one thing."},
    )
    minutes = forms.IntegerField(
        label="For how many minutes",
        min_value=1,
        max_value=rules.EMERGENCY_MINUTES_MOST,
        initial=60,
        help_text=f"At most {rules.EMERGENCY_MINUTES_MOST}. They begin when a second person agrees.",
    )


class Finding(forms.Form):
    finding = forms.CharField(
        label="What you found",
        max_length=4000,
        help_text="Was it needed, and was what was done under it right?",
        widget=forms.Textarea({"rows": 3}),
    )


class AccessDecision(forms.Form):
    line = forms.CharField(max_length=40)
    decision = forms.ChoiceField(choices=[("keep", "Keep"), ("remove", "Remove")])
    note = forms.CharField(max_length=1000, required=False)

    @property
    def chosen(self) -> dict:
        given = self.cleaned_data
        return {"line": given["line"], "keep": given["decision"] == "keep", "note": given["note"]}


class Unsaid(forms.PasswordInput):
    """Filled by a script, and never said again by the page that answers."""

    input_type = "hidden"


class Reentry(forms.Form):
    """What proves once more who one is, at the end of a form that binds. `second`: see `reentry.second`."""

    password = forms.CharField(
        label="Your password",
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
        error_messages={"required": "A signature asks for your password again."},
    )
    code = forms.CharField(
        label="Code of your authenticator",
        max_length=20,
        required=False,
        help_text="Or one of your recovery codes.",
        widget=forms.TextInput({"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )
    passkey = forms.CharField(required=False, widget=Unsaid({"data-passkey-answer": True}))

    def __init__(self, *args, second, **kwargs):
        super().__init__(*args, **kwargs)
        if not second:
            del self.fields["code"]
        if not second.passkey:
            del self.fields["passkey"]
            return
        code, instead = self.fields["code"], "Leave it empty, and your passkey is asked."
        if second.app:
            code.help_text = f"{instead} Or one of your recovery codes."
        else:
            code.label, code.help_text = "Recovery code", instead


class CodeBesides(AuthenticateForm):
    """A code as the second factor of signing in; that one was wrong is remembered."""

    def clean_code(self) -> str:
        try:
            return super().clean_code()
        except forms.ValidationError as refused:
            if refused.code == "incorrect_code":
                _refused(self.user, "code")
            raise


IN_OUR_WORDS = {  # what allauth's forms ask for
    "login": "Email",
    "email": "Email",
    "password": "Password",
    "remember": f"Stay signed in for {settings.SESSION_COOKIE_AGE // 3600} hours",
    "oldpassword": "Password of now",
    "password1": "New password",
    "password2": "New password, once more",
    "code": "Code",
}


def ours(form):
    """One of allauth's forms in the house's words; a label is no placeholder."""

    def begin(self, *args, **kwargs):
        form.__init__(self, *args, **kwargs)
        for name, bound in self.fields.items():
            bound.label = IN_OUR_WORDS[name]
            bound.widget.attrs.pop("placeholder", None)
        if "remember" in self.fields:
            self.fields["remember"].help_text = "Otherwise until this browser is closed."

    return type(form.__name__, (form,), {"__init__": begin})


SignIn = ours(account.LoginForm)
StillYou = ours(account.ReauthenticateForm)
ChangePassword = ours(account.ChangePasswordForm)
ForgottenPassword = ours(account.ResetPasswordForm)
PasswordByLink = ours(account.ResetPasswordKeyForm)
Code = ours(CodeBesides)
NewApp = ours(ActivateTOTPForm)


class PasskeyBesides(AuthenticateWebAuthnForm):
    """A passkey as the second factor of signing in, in allauth's own step; wrong ones count as wrong codes do."""

    credential = forms.CharField(widget=Unsaid({"data-passkey-answer": True}))

    @property
    def offered(self) -> bool:
        return passkeys.enrolled(self.user).exists()

    def clean_credential(self) -> Authenticator:
        forget_tries = check_rate_limit(self.user)
        passkey = _signing_in(self.user, self.cleaned_data["credential"], context.request.session)
        forget_tries()
        return passkey


class PasskeyAlone(forms.Form):
    """A passkey instead of a password: it made sure of the person itself."""

    credential = forms.CharField(widget=Unsaid({"data-passkey-answer": True}))

    def __init__(self, *args, session, **kwargs):
        super().__init__(*args, **kwargs)
        self.session = session

    def clean_credential(self) -> Authenticator:
        return _signing_in(None, self.cleaned_data["credential"], self.session)


def _signing_in(person: User | None, answer: str, session) -> Authenticator:
    try:
        return passkeys.prove(person, answer, passkeys.signing_in(session.session_key or "")).passkey
    except BadInput as refused:
        if isinstance(refused, NotProved):
            _refused(person or refused.whose, "passkey")
        raise forms.ValidationError(str(refused)) from refused


def _refused(person: User | None, proof: str) -> None:
    address = get_adapter().get_client_ip(context.request)
    actions.refuse_sign_in(person, proof=proof, address=address)


class NewPasskey(forms.Form):
    name = forms.CharField(
        label="Name",
        max_length=60,
        help_text="By which you tell it from others: the device, or where the key is kept.",
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    passkey = forms.CharField(
        widget=Unsaid({"data-passkey-answer": True}),
        error_messages={"required": "No passkey was made: that needs a browser that runs JavaScript."},
    )


class PasskeyName(forms.Form):
    name = forms.CharField(label="Name", max_length=60, widget=forms.TextInput({"autocomplete": "off"}))
