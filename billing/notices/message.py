"""A mail as it goes over the wire: headers that nobody can add to, a text and the same in HTML. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from billing.notices import wording
from billing.notices.choices import Choices

POLICY = SMTP.clone(cte_type="7bit")
"""Bodies in ASCII, so that every server takes them."""


@dataclass(frozen=True)
class Content:
    """What a template made: a subject, a text and HTML."""

    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)


def message_id(notice_id: str, choices: Choices) -> str:
    """The id of a notice's mail; the same if it is sent twice, by which many mailboxes show it once."""
    return f"<{notice_id}@{choices.sender.rpartition('@')[2]}>"


def built(
    notice_id: str, choices: Choices, to: Sequence[str], content: Content, at: datetime, *, optional: bool
) -> bytes:
    """The mail, to addresses that were checked; `optional` tells how to be spared.

    Headers take addresses that were checked and a subject of one line; `email` itself refuses line breaks in them.
    """
    mail = EmailMessage(policy=POLICY)
    mail["From"] = Address(choices.company, addr_spec=choices.sender)
    mail["To"] = [Address(addr_spec=each) for each in to]
    mail["Subject"] = wording.one_line(content.subject) or choices.company
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = message_id(notice_id, choices)
    mail["Auto-Submitted"] = "auto-generated"
    if choices.reply_to:
        mail["Reply-To"] = Address(addr_spec=choices.reply_to)
    if optional and choices.unsubscribe:
        mail["List-Unsubscribe"] = f"<{_with_id(choices.unsubscribe, notice_id)}>"
    mail.set_content(content.text)
    mail.add_alternative(content.html, subtype="html")
    return mail.as_bytes()


def _with_id(unsubscribe: str, notice_id: str) -> str:
    """The company's address with the notice's id, by which `revenue notices suppress` finds whom it went to."""
    word = "subject" if unsubscribe.startswith("mailto:") else "notice"
    return f"{unsubscribe}{'&' if '?' in unsubscribe else '?'}{word}={notice_id}"
