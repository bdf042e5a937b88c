"""Tells the engine of every new user, once the user is committed."""

from datetime import UTC, datetime

from django.apps import AppConfig
from django.conf import settings
from django.db import transaction
from django.db.models.signals import post_save

from journeyflow import Event
from mailings.engine import engine


def user_saved(sender, instance, created, **_):
    if created:  # the engine has a file and transactions of its own: tell it when yours is committed
        transaction.on_commit(lambda: signed_up(str(instance.pk), instance.email))


def signed_up(customer, email):
    now = datetime.now(UTC)
    with engine().batch():  # one commit
        engine().put_customer(customer, {"email": email}, at=now)
        engine().feed(Event("signed.up", customer=customer, at=now, id=f"signup-{customer}"))


class Mailings(AppConfig):
    name = "mailings"

    def ready(self):
        post_save.connect(user_saved, sender=settings.AUTH_USER_MODEL)
