"""The configuration: where it comes from, what it may say, and who decides.

Over everything stands the administrator's managed file, then flags, the environment, the person's own
``config.toml`` and the system's. Nothing is read from the working folder.
"""

from helpdesk.config.load import load
from helpdesk.config.model import (
    ApprovalRule,
    AuthorizationSettings,
    Config,
    DirectorySettings,
    LimitSettings,
    LlmSettings,
    LogSettings,
    NetworkSettings,
    PolicySettings,
    RequestSettings,
    ServiceSettings,
    SessionSettings,
    UiSettings,
)

__all__ = [
    "ApprovalRule",
    "AuthorizationSettings",
    "Config",
    "DirectorySettings",
    "LimitSettings",
    "LlmSettings",
    "LogSettings",
    "NetworkSettings",
    "PolicySettings",
    "RequestSettings",
    "ServiceSettings",
    "SessionSettings",
    "UiSettings",
    "load",
]
