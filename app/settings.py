"""The one reader of the environment. Every value is listed in `.env.example` with a comment."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError


class BadSettingsError(SystemExit):
    """The environment is not fit to start with; its text says which name and why."""


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("needs an address such as https://portal.example.jp")
    return value.rstrip("/")


def _database_url(value: SecretStr) -> SecretStr:
    try:
        make_url(value.get_secret_value())
    except ArgumentError:
        raise ValueError("needs an address such as postgresql+psycopg://user:password@host/name") from None
    return value


def is_live(key: SecretStr) -> bool:
    """Tell whether a Stripe key is one of live mode, not of test mode."""
    return "_live_" in key.get_secret_value()[:8]


HttpUrl = Annotated[str, AfterValidator(_http_url)]


class Settings(BaseSettings):
    """What the operator decides. Unknown names in `.env` and bad values stop the start (`app.startup`).

    Every secret is a SecretStr, which shows itself to nobody who prints, logs or dumps it; what pages and scripts may
    know is `app.web.assets.PublicConfig` and nothing else (AC-H11).
    """

    model_config = SettingsConfigDict(env_file=".env", extra="forbid", frozen=True, env_ignore_empty=True)

    portal_env: Literal["demo", "test", "production"]
    database_url: Annotated[SecretStr, AfterValidator(_database_url)]
    secret_key: SecretStr
    secret_key_fallbacks: Annotated[list[SecretStr], NoDecode] = []
    public_url: HttpUrl
    trusted_proxies: Annotated[int, Field(ge=0, le=5)] = 0
    stripe_api_key: SecretStr
    stripe_refund_key: SecretStr | None = None
    stripe_api_base: HttpUrl | None = None
    stripe_webhook_secrets: SecretStr = SecretStr("")
    s3_bucket: str
    s3_endpoint_url: HttpUrl | None = None
    s3_public_url: HttpUrl | None = None
    s3_events_queue_url: str | None = None
    aws_region: str = "ap-northeast-1"
    mail_transport: Literal["log", "smtp", "ses"]
    smtp_url: SecretStr | None = None
    mail_from: str
    catalog: Path = Path("catalog.toml")
    rate_limit_store: Literal["database://", "memory://"] = "database://"
    web_workers: Annotated[int, Field(ge=1)] = 1
    machines: Annotated[int, Field(ge=1)] = 1
    compute: Literal["local", "fargate"] = "local"
    analyses_at_once: Annotated[int, Field(ge=1)] = 2
    ecs_cluster: str | None = None
    ecs_subnets: Annotated[list[str], NoDecode] = []
    ecs_security_groups: Annotated[list[str], NoDecode] = []
    ecs_public_ip: bool = False
    ecs_endpoint_url: HttpUrl | None = None
    clock_file: Path | None = None
    failpoint: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _split_lists(cls, values: dict[str, object]) -> dict[str, object]:
        for name in ("secret_key_fallbacks", "ecs_subnets", "ecs_security_groups"):
            text = values.get(name)
            if isinstance(text, str):
                values[name] = [part.strip() for part in text.split(",") if part.strip()]
        return values

    @property
    def secure(self) -> bool:
        """Whether customers reach the portal over https; decides the cookies' prefix and Secure flag."""
        return self.public_url.startswith("https://")

    @property
    def public_origin(self) -> str:
        """Origin of our own pages."""
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def live(self) -> bool:
        """Whether the Stripe key moves real money."""
        return is_live(self.stripe_api_key)

    @property
    def refund_key(self) -> SecretStr:
        """The Stripe key that sends money back; only a demo or a test does so with STRIPE_API_KEY (AC-S09)."""
        return self.stripe_refund_key or self.stripe_api_key

    @property
    def keys(self) -> list[str]:
        """Signing keys, oldest first: the last one signs, all of them verify."""
        return [k.get_secret_value() for k in [*self.secret_key_fallbacks, self.secret_key]]

    @property
    def webhook_secrets(self) -> list[str]:
        """Secrets of the Stripe webhook endpoint, any of which may have signed (AC-W02)."""
        return self.stripe_webhook_secrets.get_secret_value().split(",")

    @property
    def object_store_origin(self) -> str:
        """Origin that browsers send files to and load previews from; part of the content security policy."""
        url = (
            self.s3_public_url or self.s3_endpoint_url or f"https://{self.s3_bucket}.s3.{self.aws_region}.amazonaws.com"
        )
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def stripe_page_origin(self) -> str:
        """Origin of the hosted Checkout page, where the payment form leads."""
        parts = urlsplit(self.stripe_api_base or "https://checkout.stripe.com")
        return f"{parts.scheme}://{parts.netloc}"


def load_settings(**overrides: object) -> Settings:
    """Read the environment and `.env`; raises BadSettingsError with one line for each thing that is wrong."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        lines = []
        for problem in error.errors(include_input=False, include_url=False):
            name = "_".join(str(part) for part in problem["loc"][:1]).upper()
            lines.append(f"  {name or 'settings'}: {problem['msg'].removeprefix('Value error, ')}")
        raise BadSettingsError("The portal can't start with these settings:\n" + "\n".join(lines)) from None
