"""People, the organizations they belong to, the keys they hand to programs; emergency access and access reviews."""

from datetime import timedelta

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from apps.accounts import permissions
from apps.common.tenancy import TenantModel


class Role(models.TextChoices):
    OWNER = "owner", "Owner"
    BUILDER = "builder", "Builder"
    REVIEWER = "reviewer", "Reviewer"
    AUDITOR = "auditor", "Auditor"


class People(BaseUserManager):
    def create_user(self, email: str, password: str | None = None, *, name: str = "") -> "User":
        user = self.model(email=self.normalize_email(email), name=name)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, email):
        return self.get(email__iexact=email)


class User(AbstractBaseUser):
    """A person. Belongs to no organization by itself; ids are never reused."""

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField("printed name", max_length=120)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(default=timezone.now)
    objects = People()
    USERNAME_FIELD = EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="accounts_user_email")]

    def __str__(self):
        return self.name or self.email

    @property
    def personal_subject(self) -> str:
        """Whose words they are that say who this is, for the record (`audits.actions.personal`)."""
        return f"person {self.pk}"


class Organization(models.Model):
    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    founded_at = models.DateTimeField(default=timezone.now)

    def __str__(self):
        return self.name

    @property
    def organization_id(self):
        return self.pk

    def get_absolute_url(self):
        return reverse("organization", args=[self.slug])


class Membership(TenantModel):
    """A person inside one organization: the actor of every action (`by`), the reader of every query (`viewer`)."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(default=timezone.now)
    token: "Token | None" = None  # the Token this request came with, set by the middleware

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "user"], name="accounts_membership_once")]

    def __str__(self):
        return f"{self.user} ({self.get_role_display()})"

    @property
    def personal_subject(self) -> str:
        return f"person {self.user_id}"

    def get_absolute_url(self):
        return reverse("member", args=[self.organization.slug, self.pk])

    @property
    def emergency(self) -> "EmergencyAccess | None":
        """The emergency access this person has at this moment. A token has none."""
        return None if self.token else self._emergency

    @cached_property
    def _emergency(self):
        return self.emergencies.filter(until__gt=timezone.now(), ended_at=None).order_by("-until").first()

    def may(self, word: str) -> bool:
        """Whether role and token allow a permission, named by its word; for rooms that lie deeper than this one."""
        return permissions.allows(self, permissions.Permission(word))


class Invitation(TenantModel):
    """A link that makes whoever holds it a member; only the digest of its secret is kept."""

    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Role)
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "organization",
                Lower("email"),
                condition=models.Q(accepted_at=None, revoked_at=None),
                name="accounts_invitation_once_open",
            )
        ]

    def __str__(self):
        return f"invitation of {self.email}"

    @property
    def personal_subject(self) -> str:
        return f"invitation {self.pk}"  # who is behind the address is not known yet

    @property
    def state(self) -> str:
        return "accepted" if self.accepted_at else _state(self, "open")


class Token(TenantModel):
    """A program's key, bound to a membership; only the digest of its secret is kept."""

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="tokens")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12)  # the beginning of the secret, to recognise it by
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)  # words of Permission
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("token", args=[self.organization.slug, self.pk])

    @property
    def state(self) -> str:
        return _state(self, "live")


ANSWER_WITHIN = timedelta(hours=1)  # a request for emergency access that nobody agreed to lapses
REVIEW_WITHIN = timedelta(hours=72)  # after its end


class EmergencyAccess(TenantModel):
    """Rights beyond a role for some minutes: asked with a reason, agreed to by a second person, reviewed by a third.

    The database writes the moments itself, and refuses what nobody agreed to."""

    asked_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="emergencies")
    words = models.JSONField()  # of Permission, out of IN_EMERGENCY
    minutes = models.PositiveSmallIntegerField()
    reason = models.TextField()
    asked_at = models.DateTimeField(default=timezone.now)
    agreed_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)
    agreed_at = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)
    ended_at = models.DateTimeField(null=True)
    reviewed_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)
    reviewed_at = models.DateTimeField(null=True)
    finding = models.TextField(blank=True)

    def __str__(self):
        return f"emergency access {self.pk}"

    def get_absolute_url(self):
        return reverse("emergency", args=[self.organization.slug, self.pk])

    @property
    def over_at(self):
        """When it ended or will end; None where it never began."""
        if self.agreed_at is None:
            return None
        return min(self.until, self.ended_at) if self.ended_at else self.until

    @property
    def is_active(self) -> bool:
        return self.over_at is not None and self.over_at > timezone.now()

    @property
    def review_due(self):
        return self.over_at + REVIEW_WITHIN if self.over_at else None

    @property
    def state(self) -> str:
        now = timezone.now()
        if self.agreed_at is None:
            lapsed = self.asked_at + ANSWER_WITHIN <= now
            return "withdrawn" if self.ended_at else "lapsed" if lapsed else "asked"
        if self.is_active:
            return "active"
        if self.reviewed_at:
            return "reviewed"
        return "overdue" if self.review_due <= now else "to be reviewed"


class AccessReview(TenantModel):
    """One round through everybody and every token that has access; its result is signed."""

    started_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(default=timezone.now)
    finished_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)
    finished_at = models.DateTimeField(null=True)
    envelope = models.JSONField(null=True)  # DSSE around the statement of what was decided

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization"], condition=models.Q(finished_at=None), name="accounts_accessreview_one_open"
            )
        ]

    def __str__(self):
        return f"access review of {self.started_at:%-d %B %Y}"

    def get_absolute_url(self):
        return reverse("access-review", args=[self.organization.slug, self.pk])


class AccessDecision(TenantModel):
    """What one person decided about one member or one token, as it was then. Only ever added; the last one counts."""

    review = models.ForeignKey(AccessReview, on_delete=models.PROTECT, related_name="decisions")
    member = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")  # whose access it is
    token = models.ForeignKey("Token", on_delete=models.PROTECT, related_name="+", null=True)  # none: the membership
    held = models.TextField()  # the role, or the token's scopes
    keep = models.BooleanField()
    note = models.TextField(blank=True)
    decided_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(default=timezone.now)

    def __str__(self):
        return f"{'kept' if self.keep else 'removed'}: {self.token or self.member}"


class IdempotencyKey(TenantModel):
    """The answer a POST got, so that the same POST sent again gets the same one and does nothing."""

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    request_digest = models.CharField(max_length=64)  # of method, path and body
    status = models.PositiveSmallIntegerField(null=True)
    content_type = models.CharField(max_length=100, blank=True)
    body = models.BinaryField(default=b"")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["membership", "key"], name="accounts_idempotency_once")]


def _state(row, otherwise: str) -> str:
    if row.revoked_at:
        return "revoked"
    return "expired" if row.expires_at <= timezone.now() else otherwise


class Reentry(models.Model):
    """One try of a person to prove once more who they are, as a signature asks; with no components, it failed.

    Written on a connection of its own, so it points at nothing: it may be there before what it speaks of."""

    user_id = models.BigIntegerField()
    at = models.DateTimeField(default=timezone.now)
    components = models.JSONField(default=list)  # what was right: "password", and one of reentry.SECOND
    assertion: dict | None = None  # a passkey's answer, as an outsider checks it; kept where it was asked for

    class Meta:
        indexes = [models.Index(fields=["user_id", "-at"], name="accounts_reentry_latest")]

    def __str__(self):
        return f"re-entry {self.pk}"


class Challenge(models.Model):
    """A question put to a passkey: the digest of a random number and of what it is about. Gone once it is answered."""

    question = models.CharField(max_length=64, primary_key=True)
    nonce = models.CharField(max_length=64)
    user_id = models.BigIntegerField(null=True)  # none: of whoever wants to sign in
    at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self):
        return f"question {self.question[:12]}"


class RefusedSignIn(models.Model):
    """Somebody did not prove to be the person they said they were. Gone once a worker has told the record."""

    user_id = models.BigIntegerField(null=True, db_index=True)  # none: nobody here goes by what was given
    proof = models.CharField(max_length=20)  # what was wrong
    address = models.CharField(max_length=45)  # of the network
    request = models.CharField(max_length=16)  # its identifier
    at = models.DateTimeField(default=timezone.now)

    def __str__(self):
        return f"refused sign-in {self.pk}"
