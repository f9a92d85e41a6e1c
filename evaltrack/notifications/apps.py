from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "evaltrack.notifications"
    label = "notifications"
