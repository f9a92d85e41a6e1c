"""Settings: one file, read through `evaltrack.env`. Every variable is explained in `.env.example`."""

from pathlib import Path

from evaltrack import env

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = Path(env.text("EVALTRACK_VAR", str(BASE_DIR / "var")))

SECRET_KEY = env.secret_or_file("EVALTRACK_SECRET_KEY", VAR / "secret-key")
DEBUG = env.flag("EVALTRACK_DEBUG", False)
ALLOWED_HOSTS = env.words("EVALTRACK_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
HTTPS = env.flag("EVALTRACK_HTTPS", False)
SITE_URL = env.text("EVALTRACK_SITE_URL", "http://127.0.0.1:8000")

INSTALLED_APPS = [
    "evaltrack.apps.EvaltrackConfig",
    "evaltrack.accounts",
    "evaltrack.ledger",
    "evaltrack.notifications",
    "datasets",
    "experiments",
    "annotation",
    "evaltrack.apps.RoleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "csp",
    "django_htmx",
    "django_q",
    "drf_spectacular",
    "rest_framework",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "evaltrack.http_errors.StorableAddressMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "evaltrack.http_errors.ExpectedErrorMiddleware",
    "evaltrack.http_errors.PrivatePagesMiddleware",
]

ROOT_URLCONF = "evaltrack.urls"
WSGI_APPLICATION = "evaltrack.wsgi.application"

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
                "evaltrack.navigation.navigation",
            ],
            "builtins": ["evaltrack.templatetags.evaltrack"],
        },
    }
]

DATABASES = {"default": env.database("DATABASE_URL", VAR / "evaltrack.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Content-addressed blobs: the rows of datasets, pictures and recordings.
STORE_DIR = Path(env.text("EVALTRACK_STORE", str(VAR / "store")))

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["evaltrack.accounts.authentication.RoleBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "evaltrack.static_files.HashedFiles"},
}

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "media-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "evaltrack.accounts.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    # Nothing is open by default: every view names the permission that it asks for.
    "DEFAULT_PERMISSION_CLASSES": ["evaltrack.accounts.access.DeniedByDefault"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["evaltrack.parsers.StrictJsonParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "evaltrack.http_errors.api_error",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "evaltrack",
    "VERSION": "1",
    "DESCRIPTION": "The evidence layer for AI changes: evaluate, judge blind, decide, promote, prove.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
}

# The collection of answers. Seconds.
DRAIN_SECONDS = env.whole_number("EVALTRACK_DRAIN_SECONDS", 60)
LEASE_SECONDS = env.whole_number("EVALTRACK_LEASE_SECONDS", 30)

# A task only wakes a worker for at most a drain, and half of one more; `retry` is far above `timeout`, because a
# message that is given out again while it still runs would run twice. One message is read at a time (`bulk`), so
# that none ages in a process that is busy. `save_limit` -1 keeps no successes: trimming them costs a factor of nine.
Q_CLUSTER = {
    "name": "evaltrack",
    "orm": "default",
    "workers": env.whole_number("EVALTRACK_WORKERS", 2),
    "timeout": max(120, 2 * DRAIN_SECONDS),
    "retry": max(300, 5 * DRAIN_SECONDS),
    "max_attempts": 1,
    "ack_failures": True,
    "bulk": 1,
    "queue_limit": 2,
    "save_limit": -1,
    "recycle": 200,
    "max_rss": 400_000,
    "poll": 0.5,
    "catch_up": False,
    "guard_cycle": 1,
    "label": "Queue",
}

# The digest of the image that workers run in, for the record of each run; nothing where there is none.
CONTAINER_DIGEST = env.text("EVALTRACK_CONTAINER_DIGEST", "")
# Which hosts a component's configuration may call: `name:port`, where `*` stands for any port.
TARGET_HOSTS = env.words("EVALTRACK_TARGET_HOSTS", "")
# Which variables it may name as the key to send there; their values never enter the database.
TARGET_KEYS = env.words("EVALTRACK_TARGET_KEYS", "MODEL_KEY,OPENAI_API_KEY")

# Interpreters that give values of metrics which evaltrack does not compute itself, by the scorer's name; how long one
# may take for a batch, which has to be well below the time of a task; how much memory it may have.
SCORERS = env.pairs("EVALTRACK_SCORERS", "")
SCORER_SECONDS = env.whole_number("EVALTRACK_SCORER_SECONDS", 30)
SCORER_MEMORY_MB = env.whole_number("EVALTRACK_SCORER_MEMORY_MB", 4096)

# Where channels may send messages: `name:port`, where `*` stands for any port.
CHANNEL_HOSTS = env.words("EVALTRACK_CHANNEL_HOSTS", "")

# Whether listed hosts may have addresses in private networks.
PRIVATE_ADDRESSES = env.flag("EVALTRACK_PRIVATE_ADDRESSES", True)

# For how many days what was asked and answered in production is kept; 0 keeps values alone.
PRODUCTION_TEXT_DAYS = env.whole_number("EVALTRACK_PRODUCTION_TEXT_DAYS", 30)

# Human evaluation. Seconds, where the name says nothing else.
REVIEW_LEASE_SECONDS = env.whole_number("EVALTRACK_REVIEW_LEASE_SECONDS", 900)
REVIEW_PREFETCH_SECONDS = env.whole_number("EVALTRACK_REVIEW_PREFETCH_SECONDS", 600)
REVIEW_UNDO_SECONDS = env.whole_number("EVALTRACK_REVIEW_UNDO_SECONDS", 60)
# For how many hours a task that a lead gave to somebody is kept for them.
REVIEW_RESERVE_HOURS = env.whole_number("EVALTRACK_REVIEW_RESERVE_HOURS", 24)
REVIEW_BREAK_MINUTES = env.whole_number("EVALTRACK_REVIEW_BREAK_MINUTES", 50)
# What systems are called in house: text with one of these is held until the lead has looked at it.
REVIEW_ALIASES = env.words("EVALTRACK_REVIEW_ALIASES", "")
REVIEW_DUE_HOURS = env.whole_number("EVALTRACK_REVIEW_DUE_HOURS", 48)

LEDGER_ORIGIN = env.text("EVALTRACK_LEDGER_ORIGIN", "evaltrack/ledger")
LEDGER_KEY_FILE = Path(env.text("EVALTRACK_LEDGER_KEY_FILE", str(VAR / "ledger-key.pem")))

EMAIL_BACKEND = env.text("EVALTRACK_EMAIL_BACKEND", "django.core.mail.backends.filebased.EmailBackend")
EMAIL_FILE_PATH = VAR / "mail"
EMAIL_HOST = env.text("EVALTRACK_EMAIL_HOST", "localhost")
EMAIL_PORT = env.whole_number("EVALTRACK_EMAIL_PORT", 25)
# A mail server that hangs must not hold a worker.
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("EVALTRACK_EMAIL_FROM", "evaltrack@localhost")

# The token of `/metrics`; without one there is no such page.
METRICS_TOKEN = env.token("EVALTRACK_METRICS_TOKEN", "")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.text("EVALTRACK_LOG_LEVEL", "WARNING")},
}
