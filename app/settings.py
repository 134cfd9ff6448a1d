"""The one reader of the environment. Every value is listed in `.env.example` with a comment."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.kit import failpoints

MIN_SECRET_LENGTH = 32


class BadSettingsError(SystemExit):
    """The environment is not fit to start with; its text says which name and why."""


def _secret(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value().strip()) < MIN_SECRET_LENGTH:
        raise ValueError(f"needs at least {MIN_SECRET_LENGTH} characters")
    return value


def _webhook_secrets(text: SecretStr) -> SecretStr:
    secrets = text.get_secret_value().split(",")
    # stripe-python before 15.6 accepted an empty secret, so anybody could forge a paid event (finding 2).
    if not all(s.startswith("whsec_") and s == s.strip() and len(s) >= MIN_SECRET_LENGTH for s in secrets):
        raise ValueError(
            f"needs one or more secrets, comma-separated, each whsec_... with {MIN_SECRET_LENGTH} characters"
        )
    return text


def _stripe_key(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("sk_test_", "rk_test_", "sk_live_", "rk_live_")):
        raise ValueError("needs a Stripe secret or restricted key (sk_ or rk_)")
    return value


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("needs an address such as https://portal.example.jp")
    return value.rstrip("/")


HttpUrl = Annotated[str, AfterValidator(_http_url)]


class Settings(BaseSettings):
    """What the operator decides. Unknown names in `.env` and bad values stop the start."""

    model_config = SettingsConfigDict(env_file=".env", extra="forbid", frozen=True, env_ignore_empty=True)

    portal_env: Literal["demo", "test", "production"]
    database_url: str
    secret_key: Annotated[SecretStr, AfterValidator(_secret)]
    secret_key_fallbacks: Annotated[list[Annotated[SecretStr, AfterValidator(_secret)]], NoDecode] = []
    public_url: HttpUrl
    trusted_proxies: Annotated[int, Field(ge=0, le=5)] = 0
    stripe_api_key: Annotated[SecretStr, AfterValidator(_stripe_key)]
    stripe_api_base: HttpUrl | None = None
    stripe_webhook_secrets: Annotated[SecretStr, AfterValidator(_webhook_secrets)]
    s3_bucket: str
    s3_endpoint_url: HttpUrl | None = None
    s3_public_url: HttpUrl | None = None
    s3_events_queue_url: str | None = None
    aws_region: str = "ap-northeast-1"
    mail_transport: Literal["log", "smtp", "ses"]
    smtp_url: SecretStr | None = None
    mail_from: str
    catalog: Path = Path("catalog.toml")
    rate_limit_store: str = "memory://"
    compute: Literal["local", "fargate"] = "local"
    clock_file: Path | None = None
    failpoint: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _split_lists(cls, values: dict[str, object]) -> dict[str, object]:
        text = values.get("secret_key_fallbacks")
        if isinstance(text, str):
            values["secret_key_fallbacks"] = [part for part in text.split(",") if part]
        return values

    @model_validator(mode="after")
    def _belong_together(self) -> "Settings":
        if self.mail_transport == "smtp" and self.smtp_url is None:
            raise ValueError("MAIL_TRANSPORT=smtp needs SMTP_URL")
        if self.compute == "fargate":
            raise ValueError("COMPUTE=fargate is not built yet; use local")
        if self.s3_events_queue_url is not None:
            raise ValueError("S3_EVENTS_QUEUE_URL is not read yet; leave it empty")
        if self.portal_env == "production" and self.clock_file is not None:
            raise ValueError("CLOCK_FILE moves the portal's clock; production has the machine's time only")
        if self.failpoint is not None and self.portal_env != "test":
            raise ValueError("FAILPOINT makes the portal fail on purpose; only PORTAL_ENV=test has it")
        if self.failpoint is not None and not failpoints.FORM.fullmatch(self.failpoint):
            raise ValueError(
                "FAILPOINT needs name:kill9, name:raise or name:sleep, with :n for the n-th passage, or @file"
            )
        if self.portal_env == "production" and not self.secure:
            raise ValueError("PUBLIC_URL must be https in production")
        return self

    @cached_property
    def secure(self) -> bool:
        """Whether customers reach the portal over https; decides the cookies' prefix and Secure flag."""
        return self.public_url.startswith("https://")

    @property
    def live(self) -> bool:
        """Whether the Stripe key moves real money."""
        return "_live_" in self.stripe_api_key.get_secret_value()[:8]

    @property
    def keys(self) -> list[str]:
        """Signing keys, oldest first: the last one signs, all of them verify."""
        return [k.get_secret_value() for k in [*self.secret_key_fallbacks, self.secret_key]]

    @property
    def webhook_secrets(self) -> list[str]:
        """Secrets of the Stripe webhook endpoint, any of which may have signed (AC-W02)."""
        return self.stripe_webhook_secrets.get_secret_value().split(",")

    @cached_property
    def object_store_origin(self) -> str:
        """Origin that browsers send files to and load previews from; part of the content security policy."""
        url = (
            self.s3_public_url or self.s3_endpoint_url or f"https://{self.s3_bucket}.s3.{self.aws_region}.amazonaws.com"
        )
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}"

    @cached_property
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
