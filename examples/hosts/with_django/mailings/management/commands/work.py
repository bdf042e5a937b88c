"""Tick and deliver until SIGTERM: python manage.py work"""

from datetime import UTC, datetime

from django.conf import settings
from django.core.mail import send_mail
from django.core.management.base import BaseCommand
from worker import hello, run_until_stopped

from journeyflow import Engine
from mailings.engine import engine


def send_email(message):
    address = engine().customer(message.customer).attributes["email"]
    send_mail(message.template, "...", None, [address])


class Command(BaseCommand):
    help = "Tick and deliver until SIGTERM."

    def handle(self, **options):
        with Engine(settings.BASE_DIR / "journeys.db", channels={"EMAIL": send_email}) as worker:
            worker.deploy(hello, at=datetime.now(UTC))
            run_until_stopped(worker)
