"""Every knob of the portal, each from the environment; nothing needs to be set on one machine."""

import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from portal import embedded

BASE_DIR = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("ASSAY_HOME", BASE_DIR / "var")).resolve()  # embedded database, files, generated secret
HOME.mkdir(parents=True, exist_ok=True)


def _flag(name: str, default: bool) -> bool:
    return os.environ.get(name, str(default)).lower() in {"1", "true", "yes", "on"}


def _secret_key() -> str:
    """From the environment, or made once and kept in HOME readable by this user alone."""
    if given := os.environ.get("ASSAY_SECRET_KEY"):
        return given
    path = HOME / "secret_key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(64))
    return path.read_text()


# where it is reached
URL = os.environ.get("ASSAY_URL", "http://127.0.0.1:8000").rstrip("/")
SERVING_URL = os.environ.get("ASSAY_SERVING_URL", "http://127.0.0.1:8001").rstrip("/")
HTTPS = URL.startswith("https://")
DEBUG = _flag("ASSAY_DEBUG", False)
SECRET_KEY = _secret_key()
KEY_SECRET = os.environ.get("ASSAY_KEY_SECRET", SECRET_KEY)  # organizations' signing keys are sealed with it
ALLOWED_HOSTS = os.environ.get("ASSAY_HOSTS", f"{urlsplit(URL).hostname},localhost,127.0.0.1").split(",")
CSRF_TRUSTED_ORIGINS = [URL]
ROOT_URLCONF = os.environ.get("ASSAY_URLS", "portal.urls")
WSGI_APPLICATION = "portal.wsgi.application"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "rest_framework",
    "drf_spectacular",
    "django_htmx",
    "template_partials",
    "portal",
    "apps.common",
    "apps.audits",
    "apps.accounts",
    "apps.projects",
    "apps.datasets",
    "apps.models",
    "apps.training",
    "apps.reports",
    "apps.documents",
    "apps.approvals",
    "apps.deployments",
    "apps.incidents",
    "apps.controls",
    "apps.bundles",
    "apps.notifications",
]

MIDDLEWARE = [
    "portal.middleware.request_identifiers",
    "portal.middleware.bodies_read_out",
    "portal.middleware.client_addresses",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.middleware.security_headers",
    "portal.middleware.readable_addresses",
    "portal.middleware.exact_addresses",
    "portal.middleware.measured_bodies",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.middleware.last_seen",
    "portal.middleware.Tenancy",  # last: it calls the view inside the tenant's transaction
]

FORM_RENDERER = "django.forms.renderers.TemplatesSetting"  # templates/django/forms is ours
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.rail.context",
            ],
            "builtins": ["apps.common.templatetags.pieces"],
        },
    }
]

# the database: PostgreSQL, inside HOME unless DATABASE_URL names another
if DATABASE_URL := os.environ.get("DATABASE_URL"):
    _addresses = {
        embedded.WEB: DATABASE_URL,
        embedded.OWNER: os.environ.get("DATABASE_OWNER_URL", DATABASE_URL),
        embedded.BROKER: os.environ.get("DATABASE_BROKER_URL", DATABASE_URL),
    }
else:
    _addresses = embedded.start(HOME / "postgres")


def _database(address: str, role: str | None = None, **options) -> dict:
    """A Django database entry for a connection URL; the session is `role`'s."""
    parts = conninfo_to_dict(address)
    entry = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", ""),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": parts.pop("port", ""),
        "OPTIONS": {**parts, **options},
        "CONN_HEALTH_CHECKS": True,  # after the database was away, the pool hands out no connection that died with it
    }
    # joins are written base first, so weighing every order of ten costs the planner more than it finds: 9 ms to 1 ms
    session = {"join_collapse_limit": 4, "jit": "off"}
    if role and entry["USER"] != role:
        session["role"] = role  # as a setting of the session: what it may be reset to is the role itself
    entry["OPTIONS"]["options"] = " ".join(f"-c {name}={value}" for name, value in session.items())
    return entry


DB_POOL = _flag("ASSAY_DB_POOL", False)  # `manage.py up` turns it on for the web and serving processes
DATABASES = {
    "default": _database(_addresses[embedded.WEB], role=embedded.WEB, **({"pool": {"timeout": 10}} if DB_POOL else {})),
    "owner": _database(_addresses[embedded.OWNER]),
}
DATABASE_ROUTERS = ["portal.routers.MigrateAsOwner"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "portal_cache"}}

# the queue: the same database as broker unless CELERY_BROKER_URL names Redis or RabbitMQ
CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "pgmq://localhost")  # its address stands in the options below
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False  # workers tell of themselves in the database
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600}
if CELERY_BROKER_URL.startswith("pgmq"):
    CELERY_BROKER_TRANSPORT_OPTIONS |= {
        "conn_string": make_conninfo(_addresses[embedded.BROKER], options=f"-c role={embedded.BROKER}"),
        "init_extension": False,
        "polling_interval": 0.1,
        "wait_time_seconds": 0,
    }

# files: a folder, or S3 when a bucket is named
if _bucket := os.environ.get("ASSAY_S3_BUCKET"):
    _files = {
        "BACKEND": "apps.common.objects.ObjectStorage",
        "OPTIONS": {"bucket": _bucket, "endpoint": os.environ.get("ASSAY_S3_ENDPOINT")},
    }
else:
    _files = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": HOME / "files", "file_permissions_mode": 0o600, "directory_permissions_mode": 0o700},
    }
STORAGES = {
    "default": _files,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
FILE_UPLOAD_TEMP_DIR = HOME / "incoming"  # beside the files, so that storing an upload is a rename
FILE_UPLOAD_TEMP_DIR.mkdir(exist_ok=True)
FILE_UPLOAD_HANDLERS = ["apps.common.storage.DigestingUploadHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 2**20
UPLOAD_LIMIT = int(os.environ.get("ASSAY_UPLOAD_LIMIT", 4 * 2**30))  # bytes

# people
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_ADAPTER = "apps.accounts.adapters.ByInvitation"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # the invitation's link is what proves the address
ACCOUNT_MAX_EMAIL_ADDRESSES = 1  # and so nobody gives themselves another
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_REAUTHENTICATION_METHODS = ["password"]  # a second factor alone changes nothing about itself
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_RATE_LIMITS = {"webauthn_login": "30/m/ip"}  # a question and an answer each; there is nothing to guess
ACCOUNT_FORMS = {
    "login": "apps.accounts.forms.SignIn",
    "reauthenticate": "apps.accounts.forms.StillYou",
    "change_password": "apps.accounts.forms.ChangePassword",
    "reset_password": "apps.accounts.forms.ForgottenPassword",
    "reset_password_from_key": "apps.accounts.forms.PasswordByLink",
}
MFA_FORMS = {
    "authenticate": "apps.accounts.forms.Code",
    "activate_totp": "apps.accounts.forms.NewApp",
    "authenticate_webauthn": "apps.accounts.forms.PasskeyBesides",
}
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
SESSION_COOKIE_AGE = 12 * 3600
SEEN_EVERY = 300  # seconds between two notes of where a session is at work; none: never
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

# mail: printed, unless a server is named that takes it
EMAIL_HOST = os.environ.get("ASSAY_EMAIL_HOST", "")
EMAIL_PORT = int(os.environ.get("ASSAY_EMAIL_PORT", 587))
EMAIL_HOST_USER = os.environ.get("ASSAY_EMAIL_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("ASSAY_EMAIL_PASSWORD", "")
EMAIL_USE_TLS = _flag("ASSAY_EMAIL_TLS", True)
EMAIL_TIMEOUT = 20  # seconds
DEFAULT_FROM_EMAIL = os.environ.get("ASSAY_EMAIL_FROM", f"assay@{urlsplit(URL).hostname}")
EMAIL_BACKEND = os.environ.get(
    "ASSAY_EMAIL_BACKEND", f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"
)

# the record's checkpoints, and addresses outside that organizations name
CHECKPOINT_EVERY = int(os.environ.get("ASSAY_CHECKPOINT_EVERY", 600))  # seconds, while anything is recorded
INSIDE_ALLOWED = _flag("ASSAY_INSIDE", False)  # http and this network's own addresses, for those

# transport and headers
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
BEHIND_PROXY = _flag("ASSAY_BEHIND_PROXY", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "portal.pages.no_such_form"
SECURE_REDIRECT_EXEMPT = [r"^health/"]
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

# the REST door
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.common.authentication.MembershipAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["apps.common.authentication.MayRead"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.common.parsing.Json"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "apps.common.api.problem",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Assay",
    "DESCRIPTION": "Train, measure, sign, serve: the same verbs as the pages.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": r"/api/v1/\{organization\}",
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "OAS_VERSION": "3.1.0",
    "ENUM_NAME_OVERRIDES": {
        "ProjectRiskClassEnum": "apps.projects.models.RiskClass",
        "PolicyRiskClassEnum": "apps.approvals.gates.schema.RISK_CLASSES",
        "DestinationKindEnum": "apps.notifications.models.Kind",
        "ReportKindEnum": "apps.reports.models.Kind",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "apps.common.openapi.lists_are_pages",
        "apps.common.openapi.refusals_are_problems",
    ],
}

LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} [{origin}] {message}", "style": "{"}},
    "filters": {"origin": {"()": "apps.common.origin.Named"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["origin"]}},
    "loggers": {
        "django.request": {"level": "ERROR"},  # a refusal is an answer, not an event of the log
        "django.security.csrf": {"level": "ERROR"},  # the page that answers it says more
    },
    "root": {"handlers": ["stderr"], "level": os.environ.get("ASSAY_LOG_LEVEL", "WARNING")},
}
# each job one thread; several jobs side by side
TRAINING_THREADS = int(os.environ.get("ASSAY_TRAINING_THREADS", 1))
SERVING_MODELS = int(os.environ.get("ASSAY_SERVING_MODELS", 8))  # kept loaded in the serving process
ENVIRONMENT = os.environ.get("ASSAY_ENVIRONMENT", "production")  # permits are issued for it, and count in it alone
PERMIT_SECONDS = int(os.environ.get("ASSAY_PERMIT_SECONDS", 600))  # at most an hour; renewed when half is over
