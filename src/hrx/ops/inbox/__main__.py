"""The inbox as a process: `python -m hrx.ops.inbox`. Refuses to start in production."""

from __future__ import annotations

import sys

import uvicorn

from hrx.kit import log
from hrx.kit.errors import HrxError, Refused, Text
from hrx.kit.settings import load
from hrx.ops.inbox.app import build_inbox
from hrx.ops.inbox.box import Box
from hrx.ops.inbox.mail import open_mail_door
from hrx.ops.settings import OpsSettings


def main() -> None:
    """Serve until told to stop."""
    try:
        settings = load(OpsSettings)
        log.configure(process="inbox", level=settings.log_level)
        if settings.environment == "production":
            raise Refused(
                Text(ja="受信箱は本番では動きません", en="The inbox does not run in production"),
                hint=Text(
                    ja="本物の Slack、PagerDuty、SMTP を設定してください(docs/settings.md)。",
                    en="Configure the real Slack, PagerDuty and SMTP (docs/settings.md).",
                ),
                code="inbox.production",
            )
        box = Box(settings.var_dir / "inbox" / "messages.jsonl")
        mail = open_mail_door(box, port=settings.inbox_smtp_port)
        try:
            uvicorn.run(
                build_inbox(settings, box),
                host="127.0.0.1",
                port=settings.inbox_port,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=2,
                proxy_headers=False,
            )
        finally:
            mail.stop()
    except HrxError as error:
        print(f"✗ {error.message.en}" + (f"\n  → {error.hint.en}" if error.hint else ""), file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
