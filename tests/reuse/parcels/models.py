from django.db import models


class Parcel(models.Model):
    code = models.TextField(unique=True)
    sent = models.BooleanField(default=False)
