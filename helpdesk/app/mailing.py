"""Mail and webhooks from the configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from helpdesk.config import Config
from helpdesk.secrets import Secret

if TYPE_CHECKING:
    from helpdesk.connectors.webhook import Webhook
    from helpdesk.mail import Mail
    from helpdesk.ports import Clock

Referenced = Callable[[str], Secret | None]


def mail_of(config: Config, state: Path, clock: Clock, referenced: Referenced) -> Mail | None:
    """The configured way for letters to leave; ``None`` where there is none. Raises ConfigError."""
    settings = config.mail
    if settings.kind == "embedded":
        from helpdesk.connectors.mail import Outbox

        return Outbox(state / "outbox.db", clock)
    if settings.kind == "none":
        return None
    from helpdesk.connectors.mail import Smtp, SmtpSettings
    from helpdesk.connectors.trust import verifying_context

    return Smtp(
        SmtpSettings(
            url=settings.url,
            sender=settings.sender,
            sender_name=settings.sender_name,
            user=settings.user,
            password=referenced(settings.password),
            start_tls=settings.start_tls,
        ),
        state / "mail.db",
        clock,
        lambda: verifying_context(
            config.network.trust, settings.ca_file or config.network.ca_file, section="mail"
        ),
    )


def webhook_of(config: Config, clock: Clock, referenced: Referenced) -> Webhook | None:
    """The configured place that notices are posted to; ``None`` where there is none. Raises ConfigError."""
    settings = config.notices
    if not settings.webhook:
        return None
    from helpdesk.connectors.trust import verifying_context
    from helpdesk.connectors.webhook import Webhook

    key = referenced(settings.webhook_key)
    assert key is not None  # the configuration asks for one
    return Webhook(
        settings.webhook,
        key,
        clock,
        lambda: verifying_context(
            config.network.trust, settings.ca_file or config.network.ca_file, section="notices"
        ),
    )
