"""A person's own pages about how they prove who they are: second factors, devices; and signing in by a passkey."""

from functools import partial

from allauth.account.decorators import reauthentication_required
from allauth.account.models import Login
from allauth.account.stages import LoginStageController
from allauth.account.utils import get_next_redirect_url
from allauth.core.internal import ratelimit
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView
from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.internal.flows import perform_passwordless_login
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps.accounts import actions, forms, passkeys, queries, rules
from apps.accounts.actions.factors import APP, CODES
from apps.audits.events import Event
from apps.common.errors import ActionDenied, BadInput
from apps.common.pages import listed, page, see, told


def outside_transactions(view):
    """allauth's middleware must see what this raises, as it sees what allauth's own views raise."""
    view.outside_transactions = True
    return view


def after_password(view):
    """For what changes how one signs in: the password again, unless it was given in the last five minutes."""
    return outside_transactions(login_required(reauthentication_required(app="allauth.mfa")(view)))


@login_required
def factors(request):
    """What this person has enrolled."""
    context = queries.factors(request.user) | {"why_not_passkey": passkeys.why_not(request.get_host())}
    return page(request, "accounts/factors.html", context=context)


@after_password
@never_cache
def passkey_new(request):
    form = forms.NewPasskey(request.POST or None)
    if form.is_valid():
        given = form.cleaned_data
        try:
            codes = actions.enrol_passkey(request.user, name=given["name"], answer=given["passkey"])
        except ActionDenied as denied:
            form.add_error(None, str(denied))
        except BadInput as bad:
            form.add_error(None, str(bad))
        else:
            messages.success(request, f"“{given['name']}” is one of your passkeys.")
            return see(reverse("mfa_view_recovery_codes" if codes else "mfa_index"))
    context = {"form": form, "why_not": passkeys.why_not(request.get_host())}
    return page(request, "accounts/passkey_new.html", context=context)


@require_POST
@never_cache
@login_required
def passkey_question(request):
    """What a device is asked that shall become a passkey."""
    return told(partial(passkeys.ask_to_enrol, request.user))


@after_password
def passkey_detail(request, pk):
    """One passkey: its name, and the way to remove it."""
    passkey = get_object_or_404(passkeys.enrolled(request.user), pk=pk)
    form = forms.PasskeyName(request.POST or None, initial={"name": passkey.data["name"]})
    if form.is_valid():
        actions.rename_passkey(passkey, **form.cleaned_data)
        return see(reverse("mfa_index"))
    context = {"passkey": passkey, "form": form, "last": queries.is_last_factor(passkey)}
    return page(request, "accounts/passkey_detail.html", context=context)


@require_POST
@after_password
def passkey_remove(request, pk):
    passkey = get_object_or_404(passkeys.enrolled(request.user), pk=pk)
    actions.remove_passkey(passkey)
    messages.success(request, f"“{passkey.data['name']}” proves nothing any more.")
    return see(reverse("mfa_index"))


# --- signing in -----------------------------------------------------------------------------------------------------


@require_POST
@never_cache
@ratelimit.decorator(app="allauth.mfa", action="webauthn_login")
def sign_in_question(request):
    """What a passkey is asked by who signs in: one of theirs after the password, any without."""
    if not request.session.session_key:
        request.session.cycle_key()  # a session begins here, for the answer to come back to
    stage = LoginStageController.enter(request, AuthenticateStage.key)
    about = passkeys.signing_in(request.session.session_key)

    def question() -> dict:
        if why_not := passkeys.why_not(request.get_host()):
            raise BadInput({"passkey": why_not})
        return passkeys.ask(stage.login.user if stage else None, about)

    return told(question)


@outside_transactions
@require_POST
@ratelimit.decorator(app="allauth.mfa", action="webauthn_login")
def passkey_sign_in(request):
    """In by a passkey alone."""
    form = forms.PasskeyAlone(request.POST, session=request.session)
    if form.is_valid():
        passkey = form.cleaned_data["credential"]
        return perform_passwordless_login(
            request, passkey, Login(user=passkey.user, redirect_url=get_next_redirect_url(request))
        )
    for refusal in form.errors.get("credential", []):
        messages.error(request, refusal)
    return see(reverse("account_login"))


# --- what allauth does, told to the record in one transaction with it -----------------------------------------------


class ActivateApp(ActivateTOTPView):
    @transaction.atomic
    def form_valid(self, form):
        actions.remember(self.request.user, Event.FACTOR_ENROLLED, kind=APP)
        return super().form_valid(form)


class DeactivateApp(DeactivateTOTPView):
    @transaction.atomic
    def form_valid(self, form):
        actions.remember(self.request.user, Event.FACTOR_REMOVED, kind=APP)
        return super().form_valid(form)


class NewCodes(GenerateRecoveryCodesView):
    @transaction.atomic
    def form_valid(self, form):
        actions.remember(self.request.user, Event.FACTOR_ENROLLED, kind=CODES)
        return super().form_valid(form)


app_activate, app_deactivate, codes_generate = (
    outside_transactions(view.as_view()) for view in (ActivateApp, DeactivateApp, NewCodes)
)


# --- devices --------------------------------------------------------------------------------------------------------


@login_required
def devices(request):
    """Where this person is signed in."""
    context = listed(request, queries.sessions(request.user))
    context["rows"] = queries.signed_in(request.user, context["rows"])
    for row in context["rows"]:
        row.is_this = row.session_key == request.session.session_key
        row.browser = rules.browser(row.user_agent)
    return page(request, "accounts/devices.html", context=context)


@require_POST
@login_required
def device_sign_out(request, pk):
    session = get_object_or_404(queries.sessions(request.user), pk=pk)
    if session.session_key == request.session.session_key:
        messages.error(request, "This is where you are: sign out by the menu above.")
    else:
        actions.end_session(session)
        messages.success(request, "That device is signed out.")
    return see(reverse("devices"))
