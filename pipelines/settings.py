"""The settings: environment variables or a `.env` file, read once at the top and handed down as values."""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.terms import CARRIERS
from pipelines.errors import SettingsError
from pipelines.extract.personal import treatments

STRIPE_API = "https://api.stripe.com"
ENV_FILE = ".env"
SLICE_KEY = re.compile(r"[\w .\-]{1,40}")
"""A key of metadata that MRR can be sliced by: Stripe allows forty characters."""

CRON = (
    (0, 59, ""),
    (0, 23, ""),
    (1, 31, ""),
    (1, 12, "jan feb mar apr may jun jul aug sep oct nov dec"),
    (0, 7, "sun mon tue wed thu fri sat"),
)
"""The fields of a schedule: first and last value, and the names of values from the first on."""
COUNTED_DAY = re.compile(r"l|l[0-7]|[0-7]#[1-5]")
CRON_WORDS = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")

KEY_PREFIX = re.compile(r"(?:sk|rk)(?:_org)?_(test|live)_")
WEBHOOK_PATH = re.compile(r"(/[A-Za-z0-9_\-]+){1,8}")
PUBLIC_URL = re.compile(r"https://[A-Za-z0-9.\-]{1,253}(:\d{1,5})?/?")


def setting(name: str, description: str) -> object:
    """A field that is read from the environment under its public name."""
    return Field(validation_alias=name, description=description)


class Settings(BaseSettings):
    """What the pipeline is told from outside. Field descriptions are what `revenue --help` and the docs print."""

    model_config = SettingsConfigDict(env_file=ENV_FILE, env_ignore_empty=True, extra="ignore", frozen=True)

    stripe_api_key: Annotated[
        SecretStr | None, setting("STRIPE_API_KEY", "restricted read key (rk_…) or secret key of the account")
    ] = None
    stripe_write_key: Annotated[
        SecretStr | None,
        setting("STRIPE_WRITE_KEY", "restricted key that `revenue actions apply` acts with (docs/actions.md)"),
    ] = None
    accounts_file: Annotated[
        Path | None,
        setting("REVENUE_ACCOUNTS", "TOML file of several accounts (docs/your-own-account.md), not one key"),
    ] = None
    stripe_api_base: Annotated[
        str, setting("STRIPE_API_BASE", "base URL of the API: Stripe's own, a sandbox or a proxy")
    ] = STRIPE_API
    account_rate: Annotated[
        float | None,
        setting(
            "REVENUE_ACCOUNT_RATE",
            "requests a second to an account, 0 for no limit; without it what Stripe allows: 100, a test key 25",
        ),
    ] = None
    endpoint_rate: Annotated[
        float | None,
        setting("REVENUE_ENDPOINT_RATE", "requests a second to one endpoint, 0 for no limit; without it Stripe's 25"),
    ] = None
    read_budget: Annotated[
        int | None,
        setting(
            "REVENUE_READ_BUDGET",
            "requests in thirty days before which a run warns; without it Stripe's: 500 a payment, 10,000 at least",
        ),
    ] = None
    sweep_days: Annotated[
        int,
        setting("REVENUE_SWEEP_DAYS", "every so many days a sync reads every list again, to be sure; 0 for never"),
    ] = 7
    test_clocks: Annotated[
        bool,
        setting(
            "REVENUE_TEST_CLOCKS",
            "whether to read, and count, what lives on test clocks too, by a test key: true or false",
        ),
    ] = False
    personal_data: Annotated[
        str,
        setting(
            "REVENUE_PERSONAL_DATA",
            "what becomes of personal data before it is stored: email=hash,name=hash,phone=drop,address=drop,ip=drop",
        ),
    ] = ""
    home: Annotated[Path, setting("REVENUE_HOME", "working folder: warehouse.duckdb, revenue.duckdb, site/, logs/")] = (
        Path("var")
    )
    currency: Annotated[
        str | None, setting("REVENUE_CURRENCY", "reporting currency; without it the account's default")
    ] = None
    timezone: Annotated[
        str | None, setting("REVENUE_TIMEZONE", "zone of days and months; without it the account's, else UTC")
    ] = None
    as_of: Annotated[
        datetime | None,
        setting("REVENUE_AS_OF", "build as of this instant (ISO 8601); without it the last sync's instant"),
    ] = None
    policy: Annotated[
        str,
        setting(
            "REVENUE_POLICY",
            "metric policy: default, stripe, chartmogul, baremetrics, profitwell, maxio, or a YAML file of rules",
        ),
    ] = "default"
    slices: Annotated[
        str,
        setting(
            "REVENUE_SLICES",
            "keys of metadata that MRR is sliced by too: customer.segment,subscription.channel,price.tier,product.line",
        ),
    ] = ""
    fx_file: Annotated[
        Path | None,
        setting(
            "REVENUE_FX_FILE",
            "CSV of exchange rates (date,from_currency,to_currency,rate); else rates.csv in the home, else the ECB",
        ),
    ] = None
    publish: Annotated[
        Literal["banner", "refuse"],
        setting("REVENUE_PUBLISH", "when a check fails: publish with a `banner` or `refuse`"),
    ] = "banner"
    engine: Annotated[
        Literal["local", "spark"],
        setting(
            "REVENUE_ENGINE", "where the metrics are computed: `local`, or as tasks of Apache `spark` (docs/scale.md)"
        ),
    ] = "local"
    spark_master: Annotated[
        str, setting("REVENUE_SPARK_MASTER", "the Spark cluster: spark://host:7077, yarn, k8s://…, or local[cores]")
    ] = "local[*]"
    shared_folder: Annotated[
        Path | None,
        setting("REVENUE_SHARED", "folder that every Spark worker sees under the same path; without it the home"),
    ] = None
    rules_file: Annotated[
        Path | None,
        setting(
            "REVENUE_RULES", "YAML file: which flag leads to which action, limits, holdout; else a careful default"
        ),
    ] = None
    catalog_file: Annotated[
        Path, setting("REVENUE_CATALOG", "YAML file of products, prices, coupons and portal (docs/catalog.md)")
    ] = Path("catalog.yaml")
    mode: Annotated[
        Literal["test", "live"] | None,
        setting("REVENUE_MODE", "`test` or `live`: a key of the other mode is refused before anything is asked"),
    ] = None
    disputes_file: Annotated[
        Path | None,
        setting("REVENUE_DISPUTES", "YAML file: what evidence says of product and policies (docs/disputes.md)"),
    ] = None
    messages: Annotated[
        Path | None,
        setting("REVENUE_MESSAGES", "folder of LANGUAGE.yaml files: what customers are told, before our own texts"),
    ] = None
    operations_url: Annotated[
        SecretStr | None,
        setting("REVENUE_OPERATIONS_URL", "postgresql://… for plans and trail; else operations.sqlite in the home"),
    ] = None
    stop_actions: Annotated[
        bool, setting("REVENUE_STOP_ACTIONS", "true stops all actions; so does a file named STOP in the home")
    ] = False
    live_actions: Annotated[
        bool,
        setting("REVENUE_LIVE_ACTIONS", "true lets Dagster's sensor act with a live key, as --live does on a terminal"),
    ] = False
    webhook_secrets: Annotated[
        SecretStr | None,
        setting(
            "REVENUE_WEBHOOK_SECRETS", "whsec_… of the webhook endpoint; several with commas, as while one is rolled"
        ),
    ] = None
    webhook_tokens: Annotated[
        SecretStr | None,
        setting("REVENUE_WEBHOOK_TOKENS", "bearer tokens that EventBridge or Event Grid show, several with commas"),
    ] = None
    webhook_path: Annotated[
        str, setting("REVENUE_WEBHOOK_PATH", "where `revenue serve` takes events; those of clouds at its /cloud")
    ] = "/webhooks/stripe"
    webhook_days: Annotated[
        int, setting("REVENUE_WEBHOOK_DAYS", "how many days events stay in the inbox once they are worked off")
    ] = 30
    webhook_plugins: Annotated[
        str,
        setting("REVENUE_WEBHOOK_PLUGINS", "your own Python modules that events are handed to (docs/webhooks.md)"),
    ] = ""
    notices_file: Annotated[
        Path | None,
        setting("REVENUE_NOTICES", "YAML file: which mails are sent to whom (docs/notices.md); without it none are"),
    ] = None
    smtp: Annotated[
        SecretStr | None,
        setting("REVENUE_SMTP", "mail server: smtps://user:password@host, or smtp://user:password@host:587 (STARTTLS)"),
    ] = None
    send_notices: Annotated[
        Literal["no", "test", "live"],
        setting(
            "REVENUE_SEND_NOTICES",
            "`test` or `live`: mails go out by themselves, by a key of that mode; else by --execute",
        ),
    ] = "no"
    access_file: Annotated[
        Path | None,
        setting("REVENUE_ACCESS", "YAML file: what counts as access and whom to tell of it (docs/access.md)"),
    ] = None
    access_secrets: Annotated[
        SecretStr | None,
        setting(
            "REVENUE_ACCESS_SECRETS", "what calls on access are signed with; several with commas while one is rolled"
        ),
    ] = None
    schedule: Annotated[
        str, setting("REVENUE_SCHEDULE", "when the Dagster schedule runs (cron, in the reporting zone)")
    ] = "0 6 * * *"
    serve_port: Annotated[
        int, setting("REVENUE_PORT", "port of `revenue serve`, which Dagster's report links point at")
    ] = 8321

    public_url: Annotated[
        str,
        setting("REVENUE_PUBLIC_URL", "https://… where your proxy shows `revenue serve` to others (docs/security.md)"),
    ] = ""
    proxies: Annotated[
        str, setting("REVENUE_PROXIES", "addresses of that proxy, with commas, whose X-Forwarded-For is believed")
    ] = "127.0.0.1,::1"

    @field_validator("stripe_api_base")
    @classmethod
    def _possible_base(cls, value: str) -> str:
        return checked_base(value)

    @field_validator("account_rate", "endpoint_rate")
    @classmethod
    def _possible_rate(cls, value: float | None) -> float | None:
        if value is not None and not 0 <= value < float("inf"):
            raise ValueError(f"{value} is no rate; write requests a second such as 50, or 0 for no limit")
        return value

    @field_validator("sweep_days")
    @classmethod
    def _possible_days(cls, value: int) -> int:
        if value < 0:
            raise ValueError(f"{value} is no number of days; write one such as 7, or 0 for never")
        return value

    @field_validator("schedule")
    @classmethod
    def _possible_schedule(cls, value: str) -> str:
        if not _is_cron(value):
            raise ValueError(f"'{value}' is no schedule of cron; write one such as 0 6 * * *: every day at six")
        return value

    @field_validator("serve_port")
    @classmethod
    def _possible_port(cls, value: int) -> int:
        if not 1 <= value <= 65535:
            raise ValueError(f"{value} is no port; write one from 1 to 65535, such as 8321")
        return value

    @field_validator("public_url")
    @classmethod
    def _possible_url(cls, value: str) -> str:
        if value and not PUBLIC_URL.fullmatch(value):
            raise ValueError(f"'{value}' is no address for others; write one such as https://revenue.example.com")
        return value.rstrip("/")

    @field_validator("proxies")
    @classmethod
    def _possible_addresses(cls, value: str) -> str:
        for each in filter(None, map(str.strip, value.split(","))):
            ip_address(each)
        return value

    @field_validator("webhook_path")
    @classmethod
    def _possible_path(cls, value: str) -> str:
        if not WEBHOOK_PATH.fullmatch(value):
            raise ValueError(f"'{value}' is no path for events; write one such as /webhooks/stripe")
        return value

    @field_validator("webhook_days")
    @classmethod
    def _possible_retention(cls, value: int) -> int:
        if value < 1:
            raise ValueError(f"{value} is no number of days; write one such as 30")
        return value

    @field_validator("read_budget")
    @classmethod
    def _possible_budget(cls, value: int | None) -> int | None:
        if value is not None and value < 1:
            raise ValueError(f"{value} is no number of requests; write one such as 10000")
        return value

    @field_validator("personal_data")
    @classmethod
    def _possible_treatment(cls, value: str) -> str:
        treatments(value)
        return value

    @field_validator("slices")
    @classmethod
    def _possible_slices(cls, value: str) -> str:
        for name in filter(None, map(str.strip, value.split(","))):
            carrier, dot, key = name.partition(".")
            if carrier not in CARRIERS or not dot or not SLICE_KEY.fullmatch(key):
                raise ValueError(
                    f"'{name}' is no key of metadata; write one of {', '.join(CARRIERS)}, a dot and the key, as "
                    "customer.segment"
                )
        return value

    @field_validator("currency")
    @classmethod
    def _lower_case_currency(cls, value: str | None) -> str | None:
        if value is not None and not (len(value) == 3 and value.isalpha()):
            raise ValueError(f"'{value}' is no ISO currency; write one such as usd")
        return value.lower() if value else None

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str | None) -> str | None:
        if value and value not in available_timezones():
            raise ValueError(f"'{value}' is no time zone; write one such as Europe/Berlin")
        return value or None

    @field_validator("as_of")
    @classmethod
    def _instant_in_utc(cls, value: datetime | None) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    @property
    def slice_names(self) -> tuple[str, ...]:
        """The keys of metadata that MRR is sliced by, each once."""
        return tuple(dict.fromkeys(filter(None, map(str.strip, self.slices.split(",")))))

    @property
    def webhook_secret_list(self) -> tuple[str, ...]:
        """The secrets of the webhook endpoint."""
        return _listed(self.webhook_secrets)

    @property
    def webhook_token_list(self) -> tuple[str, ...]:
        """The tokens that clouds show."""
        return _listed(self.webhook_tokens)

    @property
    def proxy_addresses(self) -> frozenset[str]:
        """The addresses of the proxy before `revenue serve`."""
        return frozenset(filter(None, map(str.strip, self.proxies.split(","))))

    @property
    def access_secret_list(self) -> tuple[str, ...]:
        """What calls on access are signed with."""
        return _listed(self.access_secrets)

    @property
    def warehouse(self) -> Path:
        """The working database; only the pipeline opens it."""
        return self.home / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """The database that analysts and reports read."""
        return self.home / "revenue.duckdb"

    @property
    def site(self) -> Path:
        """The folder of the rendered pages."""
        return self.home / "site"

    @property
    def operations_file(self) -> Path:
        """Where plans, approvals and trail are, without REVENUE_OPERATIONS_URL."""
        return self.home / "operations.sqlite"

    @property
    def has_operations(self) -> bool:
        """Whether there is an operations database already; asked where none is to be made."""
        return self.operations_url is not None or self.operations_file.exists()

    @property
    def stop_file(self) -> Path:
        """The file whose being there stops all actions."""
        return self.home / "STOP"

    @property
    def shared(self) -> Path:
        """The folder for files that tasks of an engine read and write, by its whole path."""
        return (self.shared_folder or self.home).resolve()

    @property
    def rate_file(self) -> Path | None:
        """The user's exchange rates: the file that is named, else `rates.csv` in the working folder."""
        beside = self.home / "rates.csv"
        return self.fx_file or (beside if beside.is_file() else None)

    def required_key(self) -> str:
        """The API key.

        Raises:
            SettingsError: none is set, it is a publishable key, which can't read, or one of another mode than is meant.
        """
        key = self.stripe_api_key.get_secret_value() if self.stripe_api_key else None
        return checked_key(key, "STRIPE_API_KEY", self.mode)

    def required_write_key(self) -> str:
        """The key that actions are done with.

        Raises:
            SettingsError: none is set, it is a publishable key, or one of another mode than is meant, or than the key
                that reads.
        """
        key = (self.stripe_write_key.get_secret_value() if self.stripe_write_key else "").strip()
        if not key:
            raise SettingsError(
                "STRIPE_WRITE_KEY is not set. Actions need a restricted key of their own with write permissions "
                "(docs/actions.md shows which); the key that reads stays without them."
            )
        checked_key(key, "STRIPE_WRITE_KEY", self.mode)
        reads = self.stripe_api_key.get_secret_value().strip() if self.stripe_api_key else ""
        if reads and mode_of(reads) != mode_of(key):
            raise SettingsError(
                f"STRIPE_API_KEY is a key of {mode_of(reads)} mode, and STRIPE_WRITE_KEY one of {mode_of(key)} mode: "
                "what the one reads is nothing that the other can act on."
            )
        return key

    def but(self, **changes: object) -> Self:
        """The same settings with some changed."""
        return self.model_copy(update=changes)


def _listed(secret: SecretStr | None) -> tuple[str, ...]:
    text = secret.get_secret_value() if secret else ""
    return tuple(filter(None, map(str.strip, text.split(","))))


def _is_cron(value: str) -> bool:
    """Whether Dagster takes it for a schedule: five fields of cron within their bounds, or one of its words."""
    if value.lower() in CRON_WORDS:
        return True
    fields = value.lower().split()
    return len(fields) == len(CRON) and all(
        _is_cron_part(part, *of) for field, of in zip(fields, CRON, strict=True) for part in field.split(",")
    )


def _is_cron_part(part: str, first: int, last: int, names: str) -> bool:
    """Whether `*`, a value, or a range of two fits the bounds, maybe by steps; or a last or a counted day."""
    if COUNTED_DAY.fullmatch(part):
        return last in {31, 7}
    span, slash, step = part.partition("/")
    if slash and not (step.isdecimal() and 1 <= int(step) <= last):
        return False
    if span == "*":
        return True
    words = names.split()
    ends = [first + words.index(end) if end in words else end for end in span.split("-")]
    values = [int(end) for end in ends if isinstance(end, int) or (end.isdecimal() and end.isascii())]
    return len(ends) == len(values) <= 2 and all(first <= each <= last for each in values)


def mode_of(key: str) -> str:
    """`test` or `live`, by the key's prefix (https://docs.stripe.com/keys); `unknown` where it says neither."""
    match = KEY_PREFIX.match(key)
    return match[1] if match else "unknown"


def checked_key(key: str | None, name: str, mode: str | None = None) -> str:
    """The key, held by a setting of that name; of the mode that is meant, where one is.

    Raises:
        SettingsError: none is set, it is none or a publishable one, which can't read, or it is one of another mode.
    """
    key = (key or "").strip()
    if not key:
        raise SettingsError(
            f"{name} is not set. Create a restricted key with read permissions in Stripe's dashboard "
            "(docs/your-own-account.md shows which) and put it into .env, or try `revenue demo`, which needs none."
        )
    if not all("!" <= each <= "~" for each in key):
        raise SettingsError(f"{name} is no key: it holds a space, a line break or another sign that no key has.")
    if key.startswith("pk_"):
        raise SettingsError(f"{name} is a publishable key (pk_…), which can't read. Use rk_… or sk_….")
    if mode is not None and mode_of(key) != mode:
        raise SettingsError(
            f"{name} is a key of {mode_of(key)} mode, and REVENUE_MODE says {mode}: nothing was asked or changed."
        )
    return key


def checked_base(value: str) -> str:
    """The base URL of an API.

    Raises:
        ValueError: it is none.
    """
    try:
        base = urlsplit(value)
        sound = base.scheme in {"http", "https"} and bool(base.hostname) and base.port != 0
    except ValueError:  # a port, or an address, that can't be
        sound = False
    if not sound or "?" in value or "#" in value or any(each.isspace() or not each.isprintable() for each in value):
        raise ValueError(f"{value!r} is no address of an API; leave it away, or write one such as {STRIPE_API}")
    return value


def load() -> Settings:
    """The settings of this process.

    Raises:
        SettingsError: a value makes no sense; the message names each.
    """
    try:
        return Settings(_env_file_encoding=encoding_of(Path(ENV_FILE)))
    except ValidationError as error:
        faults = "\n".join(
            f"  {'.'.join(map(str, e['loc']))}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()
        )
        raise SettingsError(f"These settings make no sense:\n{faults}") from None


def encoding_of(file: Path) -> str:
    """What a file of settings is written in: UTF-8, or the UTF-16 that Windows' shells and editors mark as such.

    Raises:
        SettingsError: it is written in something else.
    """
    if not file.is_file():
        return "utf-8"
    content = file.read_bytes()
    encoding = "utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig"
    try:
        if "\0" not in content.decode(encoding):
            return encoding
    except UnicodeDecodeError:
        pass
    raise SettingsError(f"{file.absolute()} is not UTF-8 text, so no settings could be read: save it as UTF-8.")


def described() -> list[tuple[str, str, str]]:
    """(name, default, meaning) of each setting, for help and docs."""
    return [
        (str(field.validation_alias), "" if field.default is None else str(field.default), field.description or "")
        for field in Settings.model_fields.values()
    ]
