# API, worker, scoring and operations plane: one image, the command chooses.
#   docker build -f deploy/docker/python.Dockerfile -t hrx .
FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/hrx
COPY requirements.lock requirements-encoders.lock ./
RUN /opt/hrx/bin/pip install --require-hashes --no-deps -r requirements.lock -r requirements-encoders.lock
COPY pyproject.toml ./
COPY src ./src
RUN /opt/hrx/bin/pip install --no-deps --no-build-isolation . \
    && /opt/hrx/bin/python -m hrx.kit.search.encoders.converting

FROM python:3.11-slim-bookworm
ARG HRX_COMMIT=unknown
ENV PATH=/opt/hrx/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MALLOC_ARENA_MAX=2 HRX_COMMIT=$HRX_COMMIT \
    HRX_RUNBOOK_DIR=/srv/hrx/runbook HRX_VAR_DIR=/var/lib/hrx
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent hrx \
    && install -d -o hrx -g hrx -m 0700 /var/lib/hrx /run/hrx
WORKDIR /srv/hrx
COPY --from=build /opt/hrx /opt/hrx
COPY alembic.ini ./
COPY migrations ./migrations
COPY runbook ./runbook
# By number: a place that asks whether it is root cannot look a name up.
USER 10001:10001
VOLUME /var/lib/hrx
EXPOSE 8101
# The worker, scoring and the operations plane bring their own address in HRX_HEALTH_URL.
ENV HRX_HEALTH_URL=http://127.0.0.1:8101/livez
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(os.environ['HRX_HEALTH_URL'], timeout=2)"]
STOPSIGNAL SIGTERM
CMD ["python", "-m", "hrx.app.api"]
