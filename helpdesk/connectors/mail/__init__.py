"""Mail: a real server over SMTP, and an outbox in a file for a demo or a trial.

``message`` (the letter as bytes), ``ledger`` (what was handed over, on this machine), ``outbox`` and ``smtp``.
"""

from helpdesk.connectors.mail.outbox import Outbox
from helpdesk.connectors.mail.smtp import Smtp, SmtpSettings

__all__ = ["Outbox", "Smtp", "SmtpSettings"]
