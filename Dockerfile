# One image for every process of the product; docker-compose.yml names the command of each.
FROM python:3.12-slim

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    ENVIRONMENT=production \
    LOCAL_SECRETS=false

WORKDIR /app

# Before the code, so that a change of code installs nothing again.
COPY requirements.txt ./
COPY tools/demo/requirements.txt ./tools/demo/
ARG REQUIREMENTS=requirements.txt
RUN pip install --require-hashes -r "$REQUIREMENTS" \
 && useradd --system --user-group --no-create-home ministripe

COPY manage.py ./
COPY core core
COPY api api
COPY outbox outbox
COPY dispatcher dispatcher
COPY docs/examples docs/examples

USER ministripe
EXPOSE 8000

# One worker a core is a deployment's choice; each of the 16 threads holds one database connection.
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", \
     "--blocking-threads", "16", "--respawn-failed-workers", \
     "core.wsgi:application"]
