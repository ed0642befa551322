"""People, the organizations they belong to, and the keys they hand to programs."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

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

    def get_absolute_url(self):
        return reverse("member", args=[self.organization.slug, self.pk])

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
